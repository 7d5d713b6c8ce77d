# 问题
problem-malformed-request = 请求的格式不对
problem-bad-envelope = 签名报文无法识别
problem-bad-signature = 签名验证不通过
problem-too-large = 请求内容太大
problem-not-signed-in = 请先登录
problem-forbidden = 您的岗位不能做这件事
problem-not-found = 没有找到
problem-method-not-allowed = 这个地址不支持这种操作
problem-conflict = 当前状态下不能这样做
problem-unknown-terminal = 本服务不认识这台终端
problem-terminal-revoked = 这台终端已被停用
problem-enrolment-code = 登记码不对、已用过或已过期
problem-too-many-requests = 尝试次数太多，请稍后再试
problem-busy = 系统繁忙，请稍后再试
problem-storage = 数据库暂时无法写入，请稍后再试
problem-internal = 系统内部出错

# 请求中的问题
sign-in-wrong = 用户名或密码不对
purpose-not-allowed = 您的岗位不能为这个用途查看登记信息
staff-name-bad = 用户名要有 1 到 64 个字
staff-name-taken = 这个用户名已经有人用了
password-too-short = 密码至少要有 10 个字符
terminal-name-bad = 名称要有 1 到 80 个字
batch-of-another-terminal = 这批记录属于另一台终端
terminal-unknown = 没有这台终端
terminal-other-key = 这份申请用的不是这台终端的密钥：请重新登记
terminal-not-active = 这台终端还没有登记，或已被停用
draft-unknown = 没有这份未完成的登记：可能已经登记、放弃，或超过七天没有改动
holder-unknown = 没有这位持卡人
holder-known = 这个证件号码已经登记过，请按证件号码查找
person-name-bad = 姓名要有 1 到 100 个字
document-kind-missing = 请选择证件种类
document-number-missing = 请输入证件号码
document-number-length = 身份证件号码有 18 位（老号码 15 位），这里输入了 { $at } 位
document-number-character = 证件号码的第 { $at } 位不能是这个字符
document-number-check-character = 证件号码最后一位校验码不符：有一位输错了，请对照证件逐位检查
document-number-region = 证件号码前两位不是任何省份的代码，请对照证件检查
document-number-birth = 证件号码中的出生日期不存在或还没有到，请对照证件检查第 7 到 14 位
document-number-hong-kong-macao = 港澳居民来往内地通行证号码以 H 或 M 开头，后面有 8 位数字
document-number-taiwan = 台湾居民来往大陆通行证号码有 8 位数字
document-number-passport = 护照号码有 5 到 20 个字母或数字
person-latin-name-bad = 拉丁字母姓名只能有字母、空格、连字符和撇号，最多 100 个
person-address-bad = 请输入现住址，最多 200 个字
person-home-missing = 请选择怎样居住
person-line-bad = 最多 200 个字
person-since-bad = 没有这一天。请输入年、月、日，例如 2026-03-27
person-since-impossible = 请输入不晚于今天、不早于 130 年前的日期
person-since-before-city = 入住日期不能早于到本市居住的日期。请核对这两个日期
person-until-past = 请输入今天或以后的日期，或者不填
person-birth-missing = 请输入出生日期，例如 1990-03-27
person-birth-bad = 没有这一天，请按年、月、日输入出生日期，例如 1990-03-27
person-birth-impossible = 出生日期不能在今天以后，也不能在 130 年以前
person-birth-not-of-document = 出生日期与证件号码中的不同，请对照证件检查
person-phone-bad = 电话号码不对：手机号有 11 位，固定电话请加区号，境外号码请以 + 开头
person-region-unknown-code = 没有这个行政区划代码，请检查六位数字，或输入地名
person-region-unknown-name = 没有找到这个地方，请输入县、区或市的全名，或六位行政区划代码
person-region-several = 有几个同名的地方，请输入其中一个的代码：{ $at }
card-unknown = 没有这张卡
activity-look = 请说明查看的原因（purpose=oversight、complaint 或 fault），翻页请用上一次答复里的位置
card-state-unknown = 没有这种卡片状态
card-state-conflict = 这张卡在当前状态下不能这样改
reason-missing = 请写明原因（最多 200 字，不要写个人信息）

# 制卡
issue-other-card = 放入的是另一张卡：请放入刚才那张卡，或换一张空白卡重新开始
issue-holders-card = 这张卡已经有持卡人了：请取下，在读卡器上放一张空白卡，然后继续
issue-foreign-card = 这是另一种卡，不能在这里制卡：请取下，在读卡器上放好正确的卡，然后继续
issue-unknown-management-key = 这张卡不是空白卡：请换一张
issue-declined = 读卡器旁没有完成操作，可以继续
issue-consent-declined = 持卡人没有同意，卡片没有启用
issue-consent-refused = 已签名的确认被退回（{ $outcome }），卡片没有启用：请继续本次制卡，由持卡人重新确认
issue-key-not-new = 这张卡生成的密钥别的卡已有，卡片不可靠：请换一张
issue-no-possession = 卡片的签名与密钥不符，卡片不可靠：请换一张
issue-card-errors = 卡片多次出错，已停止制卡：请换一张
issue-given-up = 这次制卡已经放弃，卡片没有启用；芯片可以重新制卡
issue-not-to-give-up = 卡片已经启用，或制卡已经结束，没有可以放弃的
issue-step-number = 制卡已经进行到另一步
issue-not-interrupted = 这次制卡没有中断，或已经结束
unblock-other-card = 放入的是另一张卡：请放入要重设密码的那张卡
unblock-foreign-card = 这是另一种卡，不是本系统的卡：请取下，放入要重设密码的那张卡
unblock-card-errors = 卡片多次出错。请擦拭触点后继续；再次出错请换卡
unblock-no-possession = 这枚芯片不是它所声称的那张卡。请留下此卡并报告主管
unblock-puk-refused = 这张卡已不能再解锁密码，请换卡
unblock-given-up = 还没有设好密码就结束了，可以接着做
unblock-not-open = 已经停下或已经结束，没有可以结束的
unblock-card-not-in-use = 这张卡不在使用中，不能重设密码。请换卡
unblock-not-interrupted = 正在进行，或已经结束
holder-merged = 这份档案指向同一个人的另一份档案，请打开保留的那一份
merge-same-record = 是同一份档案。请输入另一份档案登记时所用的证件
merge-none = 这份档案没有指向其他档案
unblock-not-holders-document = 这不是持卡人的证件。请与出示的证件核对号码

# 命令行
cli-making-keys = 正在生成密钥……
cli-initialised =
    已在 { $data } 建立安装。
    根证书：{ $root }（发给终端和浏览器）
    第一位管理员：{ $admin }
    下一步：card-service serve --data-dir { $data }
cli-staff-reset =
    { $name } 的首次登录密码：{ $password }
    密码只显示这一次。下次登录时须另设密码，并重新设置二次验证。
cli-serving =
    控制台和接口：{ $public }
    终端接入：{ $terminals }
    根证书：{ $root }
    按 Ctrl-C 停止。
cli-ready = 服务已就绪
cli-not-ready = 服务还没有就绪
cli-unknown-setting = { $origin }：没有名为“{ $key }”的设置。可用的设置：{ $keys }。请更正名称后重试。
cli-bad-setting = 设置有误：{ $cause }。请更正后重试。
rules-too-large = 规则文件最大 { $max } KB
rules-malformed = 无法读取规则文件。{ $at }
rules-empty = 文件中没有规则：请至少写一个 [[version]]
rules-order = 版本 { $at }：各版本须按起始月份先后排列
cli-exporting = 正在写出 { $table }
cli-verifying-read = 正在读取记录
cli-verifying-rows = 正在将记录与日志对照
cli-verifying-tree = 正在重建日志树
cli-verifying-books = 正在核对余额
cli-verifying-lanes = 正在核对各通道的顺序
cli-migrating = 正在更新数据库结构
cli-backing-up = 正在写备份
cli-checking-backup = 正在通读备份
cli-restoring = 正在放回备份
cli-indexing = 正在建立索引
cli-moving = 正在搬移数据行
cli-comparing = 正在比对数据行
cli-db-password = 请从 --to 中去掉密码：本机所有人都能看到命令行。请把密码写入 ~/.pgpass 或变量 PGPASSWORD，再运行一次。
cli-db-moved =
    { $from } 中的全部数据现在也在 { $to } 中。
    每一行都已读回并比对（行数：{ $rows }），每个余额都与转账相符（账户：{ $accounts }，转账：{ $transfers }）。最新签名的日志树条目：{ $tree }。
    下一步：把 database.url 设为 { $to }（如有密码，请加上），再启动服务。请把 SQLite 文件收存起来，不要再用它启动服务：否则会出现两个城市。
cli-db-engine = 数据库：{ $engine }，{ $size }
cli-db-schema = 结构版本：{ $found }（本程序认识到 { $known }）
cli-db-pending = 尚未更新：{ $migrations }。请运行 card-service db migrate，或启动服务，服务会自行更新。
cli-db-log = 日志条目：{ $leaves }，等待进入日志树：{ $waiting }
cli-db-ledger = 账户：{ $accounts }，转账：{ $transfers }
cli-db-setting = 设置 { $name }：{ $found }
cli-db-setting-wrong = 设置 { $name }：{ $found }，必须是 { $wanted }
cli-db-nothing-to-migrate = 数据库结构已是最新，没有改动
cli-db-migrated = 已更新：{ $migrations }
cli-db-backed-up =
    备份在 { $file }（{ $size }，结构版本 { $version }），已通读检查。
    { $keys } 中的密钥不在备份里。请在另一处保存一份：没有密钥，谁也读不了加密的内容。
cli-db-restored =
    { $file } 已放回，结构版本 { $version }。
    账簿已核对：每个余额都与转账相符（账户：{ $accounts }，转账：{ $transfers }）。
    下一步：如果 { $keys } 中没有密钥，请先放回，再启动服务。
statement-over = 查询已失效，请重新刷卡查询
