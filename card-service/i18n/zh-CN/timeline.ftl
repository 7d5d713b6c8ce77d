# 一个人的登记、居住证、证明和卡的全部经过。

timeline-title = 全部办理经过
timeline-lead = 为此人办理过的事项，以及谁查看过登记信息。用卡情况不在其中：不跟踪任何人。
timeline-open = 按时间查看全部经过
timeline-hint = 登记、变更、住址、家庭户、信息处理同意、居住证、证明、卡，以及谁查看过登记信息。
timeline-ask = 您为什么要查看？
timeline-button = 查看
timeline-newest = 从新到旧
timeline-more = 还有更早的经过，这里只显示最近的。
timeline-registered = 登记
timeline-moved-in = 入住
timeline-photo = 拍摄照片
timeline-paper-issued = 开具
timeline-paper-withdrawn = 收回
timeline-merged = 此登记并入同一人的另一份登记
timeline-undone = 恢复为单独的登记
timeline-read = 查看：{ $what }
timeline-read-photo = 照片
timeline-read-household = 家庭户
timeline-read-permit-proof = 居住证证明材料
timeline-read-concessions = 乘车优待
timeline-read-timeline = 办理经过
timeline-read-agreement-signer = 同意书签字人
timeline-agreement-printed = 打印同意书
timeline-agreement-signed = 同意书已签字
timeline-agreement-withdrawn = 撤回
