# 小票页面
receipt-title = 小票
receipt-lead = 以下是发卡方的记录，请与纸质小票核对。
receipt-what = 业务
receipt-amount = 金额
receipt-returned = 此后退回
receipt-place = 日志中的位置
receipt-place-is = 第 { $index } 条，共 { $size } 条
receipt-signed = 日志签署时间
receipt-root = 日志根（SHA-256）
receipt-log = 日志
receipt-logged = 已在日志中
receipt-logged-soon = 已记录，数秒内进入已签署的日志
receipt-log-lead = 每一笔业务都写入日志，任何改动都会被发现。凭证明，任何人都可以核实这笔记录在日志中。
receipt-proof = 下载证明
receipt-unknown = 没有这张小票。请重新完整扫描二维码
receipt-too-many = 从此处查询小票过于频繁。请一分钟后重试
receipt-not-signed-yet = 数秒内进入已签署的日志。请稍后重试
