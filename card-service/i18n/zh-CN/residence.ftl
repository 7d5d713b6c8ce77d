# 登记
residence-begin = 登记新居民
residence-continue = 继续
residence-back = 返回
residence-change = 更改
residence-not-given = 未提供
residence-progress = 第 { $number } 步，共 { $all } 步
residence-draft-kept = 填好的内容每页都会保存，可以稍后从首页继续。七天没有改动的会自动删除。
residence-discard = 放弃这次登记
residence-step-document = 证件
residence-step-person = 本人
residence-step-contact = 联系方式和户籍地
residence-step-home = 现住址
residence-field-document-kind = 证件种类
residence-field-document-number = 证件号码
residence-field-name = 姓名
residence-field-latin-name = 拉丁字母姓名
residence-field-birth = 出生日期
residence-field-phone = 电话
residence-field-household-region = 户籍所在地
residence-field-address = 现住址
residence-ask-document-kind = 出示的是哪种证件？
residence-ask-latin-name = 拉丁字母姓名（选填）
residence-ask-phone = 电话（选填）
residence-ask-household-region = 户籍所在地（选填）
residence-hint-document-number = 照证件输入，空格和小写字母没有关系
residence-hint-name = 照证件输入，会印在卡上
residence-hint-latin-name = 护照上有的话，照护照输入
residence-hint-birth = 年、月、日，例如 1990-03-27
residence-hint-phone = 手机、带区号的固定电话，或以 + 开头的境外号码
residence-hint-household-region = 六位行政区划代码，或县、区、市的全名。已撤销的代码也可以。
residence-hint-address = 区、街道、社区、楼、单元、房间或床位
residence-region-is = 现在填的是：{ $region }。请向本人核对。
residence-region-retired = { $region } { $code }（代码用到 { $year } 年）
residence-document-resident-identity-card = 居民身份证、居住证或外国人永久居留身份证
residence-document-hong-kong-macao-travel-permit = 港澳居民来往内地通行证
residence-document-taiwan-travel-permit = 台湾居民来往大陆通行证
residence-document-passport = 护照
residence-check-title = 请核对后登记
residence-check-lead = 请和本人一起核对。登记后才保存为档案。
residence-told-title = 请告诉本人
residence-told-text = 这些内容加密保存，只用于居住登记和制卡。谁在何时、为何查看过，本人都可以查到。制卡时由本人在读卡器上确认同意。
residence-register = 登记
residence-known-title = 这个证件已经登记过
residence-known-lead = 请不要再登记一次。可以打开原来的档案；如果号码输错了，请更正。
residence-known-open = 打开原来的档案
residence-known-correct = 更正号码

# 查找
residence-find-title = 查找持卡人
residence-find-lead = 按证件查找。这里不显示个人信息。
residence-find-button = 查找
residence-find-nobody = 没有人用这个证件登记过
residence-find-nobody-next = 请对照证件检查号码，或登记新居民。

# 更正
residence-change-title = 更正：{ $field }
residence-change-lead = 请输入正确的内容。原来的内容会保留，并记下是谁、何时、为何改的。
residence-change-why = 为什么要改？
residence-change-mistyped = 原来录入有误
residence-change-changed = 情况有变化（搬家、换证等）
residence-change-missing = 请选择更改的原因
residence-change-button = 保存

# 可能是同一个人
residence-similar-title = 可能已经登记过
residence-similar-lead = 已有一份档案和刚才录入的内容很像。请和本人核对是不是同一个人。
residence-similar-caption = 两份内容的比较
residence-similar-typed = 这次录入
residence-similar-known = 已有档案
residence-similar-ask = 是同一个人吗？
residence-similar-same = 是同一个人：打开已有档案
residence-similar-other-document = 不是：对方持有另一份有效证件
residence-similar-relatives = 不是：双胞胎或亲属
residence-similar-namesakes = 不是：只是姓名相同或读音相同
residence-similar-missing = 请选择是不是同一个人
