# 定点医疗机构：级别，以及在其终端上的提示。
clinic-title = 定点医疗机构
clinic-lead = 各医疗机构的级别：基金支付比例随级别不同
clinic-none = 还没有医疗机构。由管理员在机构中添加。
clinic-level = 级别
clinic-no-level = 尚未登记
clinic-act-level = 级别
clinic-level-hint = 按卫生健康部门评定的级别填写。登记后该机构即可录入账单；已结算的账单不变。
clinic-level-missing = 请选择级别
visit-over = 本次就诊已结束，或不是在本院报到的。请让持卡人重新刷卡报到
visit-no-level = 尚未登记本院级别。请联系社保经办机构登记
claim-diagnosis = 请填写诊断，一行，不超过 500 字
claim-lines = 请至少填写一项，最多 200 项
claim-settled = 本次就诊已有账单结算。请先退费，再录入新的账单
