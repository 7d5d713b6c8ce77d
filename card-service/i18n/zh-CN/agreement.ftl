# 对登记信息处理的同意
agreement-title = 信息处理同意
agreement-open = 同意与同意书
agreement-words = 同意的内容
agreement-standing-missing = 尚无同意记录
agreement-standing-agreed = 已同意
agreement-standing-withdrawn = 已撤回
agreement-next-missing = 还没有人同意处理这份登记信息。请打印同意书请本人签字，或者发放居民卡，由本人在读卡器上同意。
agreement-next-agreed = 本人或者可以代其作出同意的人已经同意。同意的内容、时间和方式见下。
agreement-next-withdrawn = 以本次同意为依据的事项不得再办理：请收回居民卡，删除照片。居住登记依照法律规定办理，予以保留。如果本人再次同意，请打印同意书请本人签字，或者发放居民卡。
agreement-means = 方式
agreement-by-card = 领卡时用卡片同意
agreement-by-paper = 书面同意，同意书编号 { $number }
agreement-version = 文本版本
agreement-day = 日期
agreement-recorded = 记录
agreement-signer = 最近一次签字人
agreement-form = 同意书 { $number }
agreement-on = 日期 { $day }
agreement-none = 没有可以撤回的同意。请返回查看目前的情况
agreement-meanwhile = { $staff } 在 { $at } 对同意情况作了记录。请先查看目前的情况；如果仍要保存，请再提交一次

# 登记时
agreement-means-ask = 本人以什么方式同意？
agreement-means-card = 发卡时用卡片同意
agreement-means-card-hint = 在读卡器上输入密码
agreement-means-paper = 现在书面同意
agreement-means-paper-hint = 适用于暂不领卡的人。打印同意书，签字之后再登记。
agreement-means-child-hint = 不满十四周岁的，由父母或者其他监护人同意。打印同意书，签字之后再登记。
agreement-means-missing = 请选择本人以什么方式同意
agreement-means-child = 不满十四周岁的，须由父母或者其他监护人书面同意

# 同意书
agreement-form-title = 个人信息处理告知同意书
agreement-print-hint = 请用 A4 纸打印，请本人阅读后签字。没有“打印”按钮时，请用浏览器菜单中的“打印”。签字之后填写下方的内容。
agreement-station = 服务站
agreement-printed = 打印日期
agreement-witness = 经办人
agreement-line-signature = 本人签字
agreement-line-day = 日期
agreement-line-other = 监护人或代签人签字
agreement-line-relationship = 与本人的关系
agreement-form-note = 文本版本 { $version }。本同意书由服务站保存；需要副本的，可以向服务站索取。
agreement-register = 已签字，登记

# 已签字的同意书
agreement-paper-title = 书面同意
agreement-paper-lead = 同意书上有告知内容、本人姓名和证件号码，以及同意书编号。打印会留下记录，本人可以查看。
agreement-print = 打印同意书
agreement-signed-open = 记录已签字的同意书
agreement-signed-title = 记录签字
agreement-signed-lead = 请对照已签字的同意书填写。您是经办人。
agreement-signed-button = 记录
agreement-ask-form = 同意书编号
agreement-ask-day = 哪一天签的字？
agreement-ask-signer = 谁签的字？
agreement-ask-name = 代为签字的人的姓名（本人签字的不填）
agreement-hint-form = 印在同意书上方的十二位数字
agreement-hint-day = 与同意书一致，例如 2026-03-27
agreement-hint-name = 与其证件一致
agreement-signer-holder = 本人
agreement-signer-parent = 父亲或母亲（监护人）
agreement-signer-grandparent = 祖父母或外祖父母（监护人）
agreement-signer-guardian = 其他监护人
agreement-signer-relative = 家属（本人无法签字，代签）
agreement-signer-helper = 其他人（本人无法签字，代签）
agreement-form-bad = 同意书编号是十二位数字，最后一位是校验码。请与同意书核对
agreement-form-unknown = 没有这个编号的同意书。请与同意书核对
agreement-form-of-another = 这不是此人的同意书。请按同意书编号查找本人
agreement-form-used = 这份同意书已经记录过。如果本人重新签字，请另打印一份
agreement-day-bad = 请按同意书填写日期，例如 2026-03-27
agreement-day-future = 日期在今天之后。请按同意书填写日期
agreement-day-printed = 同意书在 { $day } 打印，签字日期不能更早
agreement-day-agreed = 同意的日期是 { $day }，撤回日期不能更早
agreement-day-withdrawn = 同意已在 { $day } 撤回，此前的签字不再有效。请另打印一份同意书
agreement-signer-missing = 请选择谁签的字
agreement-signer-child = 本人当天不满十四周岁，须由父母或者其他监护人签字
agreement-name-missing = 请填写代为签字的人的姓名
agreement-name-not-needed = 您填写了姓名，又选择了本人签字。请清空姓名，或者选择实际签字的人

# 撤回
agreement-withdraw-title = 撤回同意
agreement-withdraw-means = 本人可以随时撤回，不需要说明理由，也不收费。
agreement-withdraw-open = 本人撤回同意
agreement-withdraw-lead = 自撤回之日起，以本次同意为依据的事项不得再办理：请收回居民卡，删除照片。撤回之前已经进行的处理仍然有效。居住登记依照法律规定办理，予以保留。
agreement-withdraw-button = 记录撤回
