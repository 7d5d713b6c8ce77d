# Problems
problem-malformed-request = The request does not have the expected form
problem-bad-envelope = The signed message cannot be read
problem-bad-signature = The signature does not verify
problem-too-large = The request is too large
problem-not-signed-in = Sign in first
problem-forbidden = Your role may not do this
problem-not-found = Not found
problem-method-not-allowed = This cannot be done at this address
problem-conflict = This cannot be done in the present state
problem-unknown-terminal = This terminal is not known here
problem-terminal-revoked = This terminal has been revoked
problem-enrolment-code = The enrolment code is wrong, used or expired
problem-too-many-requests = Too many attempts, try again later
problem-busy = The service is busy, try again shortly
problem-storage = The database cannot be written for now, try again shortly
problem-internal = Something failed inside the service

# Problems in requests
sign-in-wrong = Wrong name or password
purpose-not-allowed = Your role may not read records for this purpose
staff-name-bad = A sign-in name has 1 to 64 characters
staff-name-taken = This sign-in name is taken
password-too-short = A password has at least 10 characters
terminal-name-bad = A name has 1 to 80 characters
batch-of-another-terminal = This batch is another terminal's
terminal-unknown = There is no such terminal
terminal-other-key = This request is for another key than this terminal's: have it enrolled anew
terminal-not-active = This terminal is not enrolled yet, or has been revoked
draft-unknown = There is no such unfinished registration: it was finished, given up, or not changed for seven days
holder-unknown = There is no such holder
holder-known = Somebody is registered with this document number: search by it
person-name-bad = A name has 1 to 100 characters
document-kind-missing = Choose what kind of document it is
document-number-missing = Enter the number of the document
document-number-length = An identity number has 18 characters (old ones 15): { $at } were entered
document-number-character = Character { $at } of the document number cannot be this one
document-number-check-character = The last character, which checks the others, does not fit: one of them is mistyped. Compare them with the document one by one
document-number-region = The first two digits are the code of no province. Compare them with the document
document-number-birth = The birth date in the document number does not exist or has not come yet. Compare characters 7 to 14 with the document
document-number-hong-kong-macao = A travel permit for Hong Kong and Macao residents has an H or M and 8 digits
document-number-taiwan = A travel permit for Taiwan residents has 8 digits
document-number-passport = A passport number has 5 to 20 letters or digits
person-latin-name-bad = A name in Latin letters has letters, spaces, hyphens and apostrophes only, 100 at most
person-address-bad = Enter where the person lives now, 200 characters at most
person-home-missing = Choose how the person lives there
person-line-bad = At most 200 characters
person-since-bad = There is no such day. Enter year, month and day, for example 2026-03-27
person-since-impossible = Enter a day that is not after today and not more than 130 years ago
person-since-before-city = Nobody lives at an address in this city before coming to this city. Compare both days
person-until-past = Enter a day from today on, or leave it empty
person-birth-missing = Enter the date of birth, for example 1990-03-27
person-birth-bad = There is no such day. Enter year, month and day of birth, for example 1990-03-27
person-birth-impossible = A date of birth is not after today and not more than 130 years ago
person-birth-not-of-document = The date of birth is not the one in the document number. Compare both with the document
person-phone-bad = Not a telephone number: a mobile number has 11 digits, a fixed one needs its area code, one abroad begins with +
person-region-unknown-code = No region has this code. Check its six digits, or enter a name
person-region-unknown-name = No such place was found. Enter the full name of a county, district or city, or a code of six digits
person-region-several = Several places have this name. Enter the code of one of them: { $at }
card-unknown = There is no such card
activity-look = Say why you look (purpose=oversight, complaint or fault), and page only with what the answer before gave
card-state-unknown = There is no such card state
card-state-conflict = A card in its present state cannot be changed like this
reason-missing = State a reason (at most 200 characters, no personal data)

# Issuing a card
issue-other-card = Another card was put in: put the first one back, or start again with a blank card
issue-holders-card = This card is somebody's already. Take it off, put a blank card on the reader, then go on
issue-foreign-card = This card is of another kind and cannot be issued here. Take it off, put the right card on the reader, then go on
issue-unknown-management-key = This card is not blank: take another one
issue-declined = It was not completed at the reader; it can go on
issue-consent-declined = The holder did not agree; the card is not active
issue-consent-refused = The signed consent was refused ({ $outcome }) and the card is not active: go on with this issuance and have the holder agree again
issue-key-not-new = This card made a key that another card has and cannot be relied on: take another one
issue-no-possession = The card's signature does not fit its key and it cannot be relied on: take another one
issue-card-errors = The card failed several times and was given up: take another one
issue-given-up = The issuance was given up and the card is not in use; its chip can be issued anew
issue-not-to-give-up = The card is in use or the issuance is over, so there is nothing to give up
issue-step-number = The issuance is at another step
issue-not-interrupted = This issuance was not interrupted, or is over
unblock-other-card = Another card was put in: put the one in whose PIN is to be chosen anew
unblock-foreign-card = This card is of another kind, and none of ours. Take it off, and put on the one whose PIN is to be chosen anew
unblock-card-errors = The card failed several times. Clean its contacts, then go on; if it fails again, replace the card
unblock-no-possession = This chip is not the card that it says it is. Keep it, and tell a supervisor
unblock-puk-refused = The card does not let its PIN be unblocked any more. Replace the card
unblock-given-up = It was ended before the PIN was chosen; it can go on
unblock-not-open = It has stopped or is over, so there is nothing to end
unblock-card-not-in-use = This card is not in use, so it gets no PIN. Replace the card
unblock-not-interrupted = This goes on by itself, or is over
holder-merged = This record points to another of the same person. Open the one that is kept
merge-same-record = Both are the same record. Enter the document with which the other was registered
merge-none = This record points to no other
unblock-not-holders-document = This is not the document of this card's holder. Compare the number with the document that was shown

# Command line
cli-making-keys = Making keys …
cli-initialised =
    The installation is in { $data }.
    Root certificate: { $root } (give it to terminals and browsers)
    First administrator: { $admin }
    Next: card-service serve --data-dir { $data }
cli-staff-reset =
    First password of { $name }: { $password }
    It is shown only now. At the next sign-in another one is chosen, and the second factor is set up anew.
cli-serving =
    Console and API: { $public }
    Terminals: { $terminals }
    Root certificate: { $root }
    Stop with Ctrl-C.
cli-ready = The service is ready
cli-not-ready = The service is not ready
cli-unknown-setting = { $origin }: there is no setting "{ $key }". Settings: { $keys }. Correct the name and try again.
cli-bad-setting = A setting is wrong: { $cause }. Correct it and try again.
rules-too-large = A file of rules has at most { $max } KB
rules-malformed = The rules cannot be read. { $at }
rules-empty = There are no rules in the file: write at least one [[version]]
rules-order = Version { $at }: versions have to begin one after the other, the oldest first
cli-exporting = Writing { $table }
cli-verifying-read = Reading rows
cli-verifying-rows = Comparing rows with the log
cli-verifying-tree = Building the tree
cli-verifying-books = Adding up balances
cli-verifying-lanes = Following the lanes
cli-migrating = Bringing the schema up to date
cli-backing-up = Writing the backup
cli-checking-backup = Reading the backup through
cli-restoring = Putting the backup back
cli-indexing = Building indexes
cli-moving = Moving rows
cli-comparing = Comparing rows
cli-db-password = Leave the password out of --to: everybody on this machine sees command lines. Put it into ~/.pgpass or the variable PGPASSWORD, then run the command again.
cli-db-moved =
    Everything in { $from } is now in { $to } as well.
    Every row was read back and compared (rows: { $rows }), and every balance is what the transfers make (accounts: { $accounts }, transfers: { $transfers }). Leaves in the newest signed tree: { $tree }.
    Next: set database.url to { $to } (with the password, where there is one), then start the service. Put the SQLite file away, and never start the service on it again: there would be two cities.
cli-db-engine = Database: { $engine }, { $size }
cli-db-schema = Schema version: { $found } (this program knows versions up to { $known })
cli-db-pending = Not applied yet: { $migrations }. Run card-service db migrate, or start the service, which applies them.
cli-db-log = Leaves of the log: { $leaves }, waiting for their place in the tree: { $waiting }
cli-db-ledger = Accounts: { $accounts }, transfers: { $transfers }
cli-db-setting = Setting { $name }: { $found }
cli-db-setting-wrong = Setting { $name }: { $found }, must be { $wanted }
cli-db-nothing-to-migrate = The schema is up to date, nothing was changed
cli-db-migrated = Applied: { $migrations }
cli-db-backed-up =
    The backup is in { $file } ({ $size }, schema version { $version }) and was read through.
    The keys in { $keys } are not in it. Keep a copy of them in another place: without them nobody can read the sealed fields.
cli-db-restored =
    { $file } was put back, schema version { $version }.
    The ledger was checked: every balance is what the transfers make (accounts: { $accounts }, transfers: { $transfers }).
    Next: put the keys back into { $keys } if they are not there, then start the service.
statement-over = Ask for it again with the card on the reader
