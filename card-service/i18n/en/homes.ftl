# Reading grid cells from a file
cli-area-imported = Read { $cells } grid cells, of which { $changed } are new or changed; communities, streets and districts in all: { $above }
area-file-too-large = The file is larger than { $max } MB. Leave out what is not needed, such as heights or too many points, and try again.
area-not-geojson = The file is not GeoJSON: { $cause }. Export it again as GeoJSON (UTF-8).
area-no-collection = The file must be a FeatureCollection whose features are grid cells. Export the whole layer, not one shape.
area-empty = The file holds no grid cells.
area-too-many = A city has { $max } grid cells at most.
area-code-twice = Feature { $number }: the code { $what } is used twice; the number in brackets is the first feature that has it. Each cell needs a code of its own.
area-property-missing = Feature { $number }: the property "{ $what }" is missing or empty.
area-property-bad = Feature { $number }: the property "{ $what }" is too long, or has characters that a code cannot have: letters, digits and hyphens only.
area-no-polygon = Feature { $number } (cell { $what }) is not a Polygon or MultiPolygon.
area-off-earth = Feature { $number } (cell { $what }) has coordinates that are no longitude and latitude. Export the layer in WGS 84 (EPSG:4326).
area-too-fine = Feature { $number } (cell { $what }) has more than 2000 points. Simplify its outline.
area-bad-outline = Feature { $number } (cell { $what }): the outline crosses itself or encloses nothing. Correct it in the program that drew it.
area-two-names = Code { $code } has two names: { $one } and { $other }. Correct one of them.
area-two-parents = Code { $code } lies in { $one } and in { $other }. Correct one of them.
area-too-wide = { $code } is divided into more than { $max } parts. Check the codes above the cells.
area-overlap = Cells { $one } and { $other } overlap. Correct their outlines: a house lies in one cell.
cell-unknown = There is no such grid cell. Choose one that there is

# In which cell a house lies
cell-title = In which grid cell does this house lie?
cell-lead = This house is not known here yet. Whoever is registered at the same address later is not asked again.
cell-ask = Grid cell
cell-ask-larger = Street or community
cell-choose = Choose
cell-not-known = Not known yet
cell-missing = Choose where the house lies, or "Not known yet"
cell-label = Grid cell
residence-field-room = Room or bed
residence-ask-room = Room or bed (optional)
residence-hint-room = For example 301, or 301 bed 2

# Where people live
map-title = Where people live
map-lead = Counts by district, street, community and grid cell
map-city = the city
map-way = What it lies in
map-total = In all:
map-not-shown = not shown
map-least = Fewer than { $least } are not shown, nor what such a number could be computed from. Who has left is not counted.
map-at = Counted:
map-picture = Map of { $area }
map-picture-text = The numbers are those of the table beside it. The more people live in a part, the darker it is; a hatched part has a count that is not shown.
map-caption = People registered at a known house
map-count = People
map-level-district = District
map-level-street = Street
map-level-community = Community
map-level-cell = Grid cell
map-empty-title = There are no grid cells yet
map-empty-text = Ask the administrator to read them from a file (card-service area import).
