# 框架
console-name = 新居民卡
console-skip = 跳到正文
console-nav = 主要页面
console-sign-out = 退出登录
console-elsewhere = 是否还在别的电脑上登录着？
console-sign-out-everywhere = 退出所有登录
console-footer = 您在这里查看的内容都会记入日志，任何改动都会被发现。时间均为北京时间。
console-footer-public = 时间均为北京时间。
console-error-prefix = 错误：
console-summary-title = 有问题需要处理
console-role-administrator = 管理员
console-role-clerk = 窗口工作人员
console-role-supervisor = 主管
console-role-auditor = 审计员
console-role-operator = 终端管理员
console-role-filer = 用人单位经办人
console-role-bureau-officer = 社会保险经办人员

# 登录
console-sign-in-title = 登录
console-sign-in-lead = 供服务站工作人员使用。用户名和密码请向管理员领取。
console-sign-in-name = 用户名
console-sign-in-password = 密码
console-sign-in-button = 登录
console-sign-in-help = 有工作人员卡的，请在读卡器页面上选择“工作人员登录”。忘记密码？请管理员重新设置。离开一段时间后，系统会自动退出登录。
console-sign-in-name-missing = 请输入用户名
console-sign-in-password-missing = 请输入密码

# 首页
console-home-title = 您要办什么？
console-home-register = 录入证件和住址，发卡
console-home-find = 查看档案，发卡、换卡
console-home-activity = 查看卡片用过的事项，不显示姓名
console-home-unfinished = 没有办完的登记
console-home-unfinished-note = 按最后改动的时间列出，只有您能看到。

# 持卡人页
console-holder-registered = 登记时间：
console-holder-cards = 卡片
console-holder-no-cards = 还没有卡片。
console-holder-record = 登记档案
console-list-more = 还有更多，这里没有全部列出
console-list-comma = 、
console-holder-earlier = 以前的住址
console-record-ask = 您为什么要查看档案？
console-record-hint = 持卡人能看到您在何时、为何查看了哪些内容。
console-record-button = 显示档案
console-issue-desk = 在哪台读卡器上制卡？
console-issue-desk-missing = 请选择读卡器
console-issue-no-desk = 没有可以制卡的读卡器。请管理员登记一台终端。
console-issue-language = 持卡人用哪种语言阅读同意书？
console-issue-button = 开始制卡

# 卡片办理
console-change-ask = 要对这张卡做什么？
console-change-hint = 立即生效：各终端会收到新的名单。
console-change-missing = 请选择要办的事
console-change-button = 确定
console-change-none = 这张卡在当前状态下没有可办的事。
console-change-becomes = 卡片变为：{ $state }
console-change-holder-asked = 持卡人要求暂停
console-change-under-inquiry = 核查期间暂停
console-change-holder-present = 持卡人带卡到窗口，恢复使用
console-change-lost = 挂失：卡片丢失
console-change-stolen = 挂失：卡片被盗
console-change-damaged = 卡片损坏，停用
console-change-misused = 卡片被冒用，停用
console-change-given-back = 卡片交回

# 制卡进度
console-issuance-title = 制卡
console-issuance-watch = 查看制卡进度
console-job-steps = 进度
console-job-refresh = 刷新
console-job-resume = 继续
console-job-back = 回到持卡人
console-job-back-to-staff = 回到工作人员
console-job-running = 正在进行
console-job-waiting = 等待中
console-issuance-finished = 卡片已启用
console-issuance-failed = 制卡失败
console-issuance-next-running = 请不要取出卡片。
console-issuance-next-for-card = 请把空白卡放到读卡器上。
console-issuance-next-for-card-back = 卡片还没写完就被取走了。请把同一张卡放回去，会接着做下去。
console-issuance-next-for-reader = 读卡器没有连接。请重新插好读卡器并放上卡片，会自动继续。
console-issuance-next-for-new-pin = 请持卡人在读卡器旁设定密码。
console-issuance-next-for-pin = 请持卡人在读卡器旁输入密码。
console-issuance-next-for-consent = 请持卡人在读卡器旁阅读并确认同意。
console-issuance-next-for-consent-tap = 持卡人已经确认，正在传送。
console-issuance-next-for-resume = 制卡停下了。请放好卡片，然后继续。
console-issuance-next-finished = 可以把卡片交给持卡人。
console-issuance-next-failed = 请回到持卡人页面重新开始。
console-issuance-give-up = 放弃这次制卡
console-issuance-give-up-hint = 本人已经离开或不想要卡时使用。这张卡不会启用，芯片可以给别人重新制卡。
console-unblock-title = 重设密码
console-unblock-lead = 用于密码被锁或忘记密码的持卡人。请核对本人与证件，并输入证件号码。
console-unblock-desk = 持卡人在哪台读卡器上重设密码？
console-unblock-button = 到读卡器上继续
console-unblock-finished = 持卡人已设好新密码
console-unblock-failed = 未能重设密码
console-unblock-next-running = 请勿移动卡片。
console-unblock-next-for-card = 请把持卡人的卡放到读卡器上。
console-unblock-next-for-card-back = 卡片取走得太早。请把它放回去，会接着做下去。
console-unblock-next-for-reader = 读卡器没有连接。请重新插好读卡器并放上持卡人的卡，会自动继续。
console-unblock-next-for-new-pin = 请持卡人在读卡器上设置新密码，他人不得代输。
console-unblock-next-for-resume = 已中断。请把持卡人的卡放到读卡器上，然后继续。
console-unblock-next-finished = 可以把卡交还本人。
console-unblock-next-failed = 请报损坏并换发新卡。
console-unblock-give-up = 结束办理
console-unblock-give-up-hint = 本人已经离开时使用。读卡器可以为别人办理，以后还能接着做。

# 读卡器上是哪张卡
console-identify-title = 这是谁的卡？
console-identify-finished = 这是本机构的卡
console-identify-failed = 未能凭卡找到持卡人
console-identify-next-running = 请勿移动卡片。
console-identify-next-for-card = 请把卡放到读卡器上。
console-identify-next-finished = 可以把卡交还本人。
console-identify-next-failed = 请换一种方式查找持卡人，或重试。
console-identify-on = 打开持卡人页面
console-identify-again = 重试
identify-unknown = 这次读卡已结束，请重新查找持卡人。
identify-not-ours = 这是一张空白卡，或其他机构的卡。
identify-no-possession = 这张卡自称是本机构的卡，却无法证明，可能是复制的卡。请扣下此卡并告知主管。
identify-card-errors = 卡片应答异常。请擦拭触点后重新放到读卡器上。
identify-nobody-came = 没有人把卡放到读卡器上。
identify-no-reader = 读卡器未连接。请接好读卡器后重试。

# 查看用途
console-purpose-title = 您为什么要查看用卡记录？
console-purpose-lead = 您的选择会连同姓名和时间一起记入日志。
console-purpose-button = 继续
console-purpose-missing = 请选择查看用途
console-purpose-oversight = 日常检查
console-purpose-oversight-hint = 每天或每周例行查看
console-purpose-complaint = 投诉或纠纷
console-purpose-complaint-hint = 有人反映某次刷卡有误或没有记录
console-purpose-fault = 终端或卡片故障
console-purpose-fault-hint = 设备或卡片不能正常使用，需要查找原因
console-stated-purpose = 查看用途：
console-change-purpose = 更改

# 用卡记录
console-activity-title = 用卡记录
console-activity-lead = 所有卡片最近的刷卡记录，新的在前。这里不显示姓名，也不显示门禁：门禁只计数。
console-activity-caption = 本页共 { $count } 条记录，金额单位：元。
console-col-time = 时间
console-col-card = 卡片
console-col-operation = 事项
console-col-amount = 金额（元）
console-col-outcome = 结果
console-col-place = 终端
console-no-amount = 无金额
console-unknown-terminal = 未知终端
console-pages = 其他页
console-older = 更早的记录
console-newest = 最新的记录
console-empty-title = 还没有用卡记录
console-empty-text = 卡片在终端刷过、终端把记录传上来之后，就会显示在这里。
console-card-empty = 这张卡还没有刷过。

# 存证
console-evidence-title = 存证
console-evidence-text = 以上每条记录都会写入日志，日志在几秒内签名。可与其他地方留存的副本核对以下数字。
console-evidence-size = 已封存条数
console-evidence-at = 签名时间
console-evidence-root = 指纹（根哈希）
console-evidence-none = 日志还没有签名。有了第一条记录，几秒内就会签名。

# 卡片
console-card-title = 卡片
console-card-facts = 卡片信息
console-card-expires = 有效期至
console-card-issued = 开始制卡
console-card-changed = 当前状态始于
console-card-number = 卡号
console-back = 返回用卡记录
console-holder-title = 持卡人
console-holder-ask = 您为什么要查看持卡人？
console-holder-hint = 持卡人能看到您在何时、为何查看。姓名和证件号码只显示一部分。
console-holder-button = 显示持卡人
console-holder-name = 姓名
console-holder-document = 证件号码
console-holder-logged = 本次查看已记入日志，持卡人可以看到。
console-card-of-staff = 工作人员卡：只用于本人登录。
console-holder-not-yours = 您的岗位不需要个人信息，因此不显示持卡人。
console-reason-registration = 登记或更正登记
console-reason-card-issuance = 制卡或换卡
console-reason-holder-request = 持卡人在窗口要求查询
console-reason-complaint = 投诉或纠纷
console-reason-permit = 审核居住证

# 卡片状态
console-state-personalising = 制卡中
console-state-personalised = 等待本人同意
console-state-active = 正常使用
console-state-suspended = 暂停使用
console-state-blocked = 已停用
console-state-lost = 已挂失
console-state-expired = 已过期
console-state-replaced = 已换卡
console-state-returned = 已交回
console-state-abandoned = 制卡已放弃

# 事项
console-operation-purse-payment = 付款
console-operation-purse-top-up = 充值
console-operation-purse-refund = 退款
console-operation-purse-void = 撤销
console-operation-purse-statement = 查询明细
console-operation-social-security-dispute = 对社保月份提出异议
console-operation-clinic-check-in = 就诊报到
console-operation-clinic-settlement = 医疗费结算
console-operation-clinic-reversal = 医疗费退费
console-operation-purse-top-up-approval = 批准充值
console-operation-purse-inquiry = 查询余额
console-operation-points-award = 购物积分
console-operation-points-redemption = 积分兑换
console-operation-points-undo = 积分撤销
console-operation-transit-validation = 乘车刷卡
console-operation-transit-inspection = 查票
console-operation-transit-pass = 乘车卡种
console-operation-gate-check = 门禁核验
console-operation-card-sign-in = 刷卡登录
console-operation-registration-consent = 登记确认
console-operation-terminal-abandoned = 终端放弃
console-operation-unknown = 未知事项

# 结果
console-outcome-0 = 成功
console-outcome-1 = 无法识别
console-outcome-2 = 未知卡片
console-outcome-3 = 签名不符
console-outcome-4 = 需要密码
console-outcome-5 = 卡片未启用
console-outcome-6 = 卡片已过期
console-outcome-7 = 此终端不可办理
console-outcome-8 = 金额不符合规定
console-outcome-9 = 余额不足
console-outcome-10 = 终端时钟不准
console-outcome-11 = 序号重复
console-outcome-12 = 终端不符
console-outcome-13 = 待人工核实
console-outcome-14 = 确认的不是所发文本
console-outcome-15 = 此处没有该持卡人的这笔付款
console-outcome-16 = 退款不能再退款
console-outcome-17 = 超出可退余额
console-outcome-18 = 已超过可退期限
console-outcome-19 = 积分不足
console-outcome-20 = 积分规则已变
console-outcome-21 = 核实后不入账
console-outcome-22 = 超过单日限额
console-outcome-23 = 须工作人员批准
console-outcome-24 = 无有效乘车记录
console-outcome-25 = 不在售
console-outcome-26 = 没有单位应为该月参保
console-outcome-27 = 没有这位持卡人的这张账单
console-outcome-28 = 账单分担金额已变化
console-outcome-29 = 之后还有账单

# 错误页：下一步怎么做
console-error-home = 回到首页
console-error-code = 错误代码：
console-error-next-400 = 请返回再试一次。如果还是不行，请把刚才的操作告诉管理员。
console-error-next-403 = 如果工作需要，请联系管理员。没有任何内容被改动。
console-error-next-404 = 请检查网址，或者从首页重新进入。
console-error-next-429 = 请等一分钟再试。
console-error-next-500 = 已经接受的记录不会丢失。请再试一次；如果还是不行，请把时间和下面的代码告诉管理员。
console-error-next-503 = 请等几秒钟再刷新页面。在此期间，刷卡记录保存在终端里。
console-other-site = 这个请求来自其他网站，已被拒绝。请从首页重新操作。
