# 照片页。

photo-title = 照片
photo-lead = 照片由本人自愿提供，只写入本人的卡。没有照片，卡一样能用。
photo-taken-at = 已有照片，拍摄于
photo-kept = 照片已保存。旧照片不再保留。
photo-alt = 刚拍摄的照片
photo-done = 返回持卡人页面
photo-again = 不满意？重新拍一张
photo-start = 打开摄像头
photo-finder = 摄像头画面
photo-take = 拍照并保存
photo-no-camera = 摄像头打不开。请检查是否接好、浏览器是否允许使用，或改用照片文件。
photo-file = 照片文件
photo-bounds = JPEG 或 PNG，不超过 { $megabytes } MB。系统会裁成证件照比例，并去掉拍摄地点等信息。
photo-send = 保存照片
photo-missing = 请选择一个照片文件，或用摄像头拍摄。
photo-too-large = 照片太大。请选择不超过 { $megabytes } MB 的照片，或把它缩小后再试。
photo-no-picture = 这个文件不是 JPEG 或 PNG 照片，或者已损坏。请换一个文件。
photo-too-small = 照片太小，看不清面容。请选择至少 240×320 像素的照片。
photo-remove-title = 删除照片
photo-remove-hint = 照片将从登记信息中删除。已写入卡片的照片会留在卡上，直到换卡。
photo-remove = 删除照片
photo-of-holder = 持卡人的照片
photo-none = 还没有照片
photo-is-kept = 已有照片
photo-open = 拍摄或更换照片
