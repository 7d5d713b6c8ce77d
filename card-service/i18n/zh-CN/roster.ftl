# 提供给单位的本单位人员名单。

roster-title = 单位人员名单
roster-home = 向用人单位或出租方提供其本单位人员名单
roster-lead = 名单只列登记信息写明在该单位工作、学习，或住在该单位房屋的人。
roster-no-organisation = 还没有单位。
roster-one-title = { $name }人员名单
roster-one-lead = 名单列出每个人的全部登记内容，表头与批量登记模板相同。名单上的每个人都能看到：谁、在什么时候、为什么把名单给了单位。
roster-closed-title = 该单位已停用
roster-closed = 不能向该单位提供名单。如果单位恢复运营，请管理员重新启用。
roster-nobody-title = 没有可列入名单的人
roster-nobody = 没有人的登记信息把“{ $name }”写成工作单位或房东、宿舍。请核对登记信息里的写法：写错的请更正登记信息，单位名称有误的请管理员更正。
roster-whom = 名单列出哪些人？
roster-whom-missing = 请选择名单列出哪些人
roster-works = 在该单位工作或学习的人：{ $count } 人
roster-lives = 住在该单位房屋的人：{ $count } 人
roster-part = 第 { $first } 至 { $last } 人；一个文件放不下更多
roster-given = 为什么向单位提供名单？
roster-format = 要哪种文件？
roster-format-missing = 请选择文件格式
roster-format-xlsx = 电子表格（xlsx）
roster-format-xlsx-hint = 供人查看，可以修改后交回
roster-format-csv = csv 文件
roster-format-csv-hint = 供其他程序读取；用电子表格软件打开再保存会改变较长的号码
roster-button = 下载名单
console-reason-organisation-check = 单位核对本单位人员名单
console-reason-organisation-permits = 单位协助本单位人员办理居住证
