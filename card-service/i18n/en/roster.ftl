# Lists that organisations are given of their own people.

roster-title = Lists for organisations
roster-home = Give an employer or a landlord the list of its own people
roster-lead = On a list stands who works or studies at the organisation, or lives in a home of it, as their records say.
roster-no-organisation = There are no organisations yet.
roster-one-title = List for { $name }
roster-one-lead = A list says everything that is registered of each person, under the headings of the template for many at once. Everybody on it can see who gave it to the organisation, when and why.
roster-closed-title = The organisation is closed
roster-closed = It is given no list. If it works again, ask an administrator to open it again.
roster-nobody-title = There is nobody to list
roster-nobody = No record names “{ $name }” as the place of work or as whose home it is. Compare how the name is written in the records; correct it there, or have an administrator correct the name of the organisation.
roster-whom = Who is to stand on the list?
roster-whom-missing = Choose who is to stand on the list
roster-works = Who works or studies there: { $count }
roster-lives = Who lives in a home of it: { $count }
roster-part = Numbers { $first } to { $last }: a file holds no more
roster-given = Why is the organisation given it?
roster-format = As which file?
roster-format-missing = Choose a kind of file
roster-format-xlsx = Spreadsheet (xlsx)
roster-format-xlsx-hint = For people; it can be corrected and sent back
roster-format-csv = csv
roster-format-csv-hint = For programs; a spreadsheet program changes long numbers when it saves such a file
roster-button = Get the file
console-reason-organisation-check = The organisation checks the list of its people
console-reason-organisation-permits = The organisation helps its people with residence permits
