# 读入网格
cli-area-imported = 读入网格 { $cells } 个，其中新增或有变化的 { $changed } 个；社区、街道和区共 { $above } 个
area-file-too-large = 文件超过 { $max } MB。请去掉高程或过密的点等不需要的内容后再试。
area-not-geojson = 文件不是 GeoJSON：{ $cause }。请重新导出为 GeoJSON（UTF-8）。
area-no-collection = 文件应为 FeatureCollection，每个 feature 是一个网格。请导出整个图层，而不是单个图形。
area-empty = 文件里没有网格。
area-too-many = 一个城市最多 { $max } 个网格。
area-code-twice = 第 { $number } 个 feature：编码 { $what } 重复，括号内是最先使用该编码的 feature 序号。每个网格应有自己的编码。
area-property-missing = 第 { $number } 个 feature：缺少属性“{ $what }”或内容为空。
area-property-bad = 第 { $number } 个 feature：属性“{ $what }”过长，或编码中有字母、数字和连字符以外的字符。
area-no-polygon = 第 { $number } 个 feature（网格 { $what }）不是 Polygon 或 MultiPolygon。
area-off-earth = 第 { $number } 个 feature（网格 { $what }）的坐标不是经纬度。请按 WGS 84（EPSG:4326）导出。
area-too-fine = 第 { $number } 个 feature（网格 { $what }）超过 2000 个点。请简化边界。
area-bad-outline = 第 { $number } 个 feature（网格 { $what }）：边界自相交或没有面积。请在绘图软件中更正。
area-two-names = 编码 { $code } 有两个名称：{ $one } 和 { $other }。请更正其中一个。
area-two-parents = 编码 { $code } 同时属于 { $one } 和 { $other }。请更正其中一个。
area-too-wide = { $code } 之下超过 { $max } 个。请检查网格以上各级的编码。
area-overlap = 网格 { $one } 和 { $other } 重叠。请更正边界：一栋房屋只属于一个网格。
cell-unknown = 没有这个网格。请重新选择

# 房屋所在网格
cell-title = 这处房屋在哪个网格？
cell-lead = 这处房屋还没有登记过。以后登记同一地址的人时，不再询问。
cell-ask = 网格
cell-ask-larger = 街道或社区
cell-choose = 请选择
cell-not-known = 暂不清楚
cell-missing = 请选择房屋所在的网格，或选“暂不清楚”
cell-label = 网格
residence-field-room = 房间或床位
residence-ask-room = 房间或床位（可不填）
residence-hint-room = 例如 301，或 301 室 2 号床

# 居住分布
map-title = 居住分布
map-lead = 按区、街道、社区和网格统计人数
map-city = 全市
map-way = 上级区域
map-total = 合计：
map-not-shown = 不显示
map-least = 不足 { $least } 人的不显示；能由此推算出的数字也不显示。已离开的人不计入。
map-at = 统计时间：
map-picture = { $area }地图
map-picture-text = 图上的序号与旁边表格相同。颜色越深，居住人数越多；画斜线的，人数不显示。
map-caption = 住址所在网格已知的登记人数
map-count = 人数
map-level-district = 区
map-level-street = 街道
map-level-community = 社区
map-level-cell = 网格
map-empty-title = 还没有网格
map-empty-text = 请管理员从文件读入网格（card-service area import）。
