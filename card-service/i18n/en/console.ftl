# Frame
console-name = New Resident Card
console-skip = Skip to the content
console-nav = Main pages
console-sign-out = Sign out
console-elsewhere = Did you stay signed in on another computer?
console-sign-out-everywhere = Sign out everywhere
console-footer = What you look at here is written to a log that nobody can alter unseen. Times are Beijing time (UTC+8).
console-footer-public = Times are Beijing time (UTC+8).
console-error-prefix = Error:
console-summary-title = There is a problem
console-role-administrator = Administrator
console-role-clerk = Clerk
console-role-supervisor = Supervisor
console-role-auditor = Auditor
console-role-operator = Operator
console-role-filer = Filer
console-role-bureau-officer = Social security officer

# Sign-in
console-sign-in-title = Sign in
console-sign-in-lead = For staff of the station. Ask your administrator for a name and a password.
console-sign-in-name = Sign-in name
console-sign-in-password = Password
console-sign-in-button = Sign in
console-sign-in-help = With a staff card: choose “Staff: sign in” on the page at the reader. Forgotten the password? Your administrator can give you a new one. You are signed out automatically when you are away for a while.
console-sign-in-name-missing = Enter your sign-in name
console-sign-in-password-missing = Enter your password

# First page
console-home-title = What would you like to do?
console-home-register = Take down document and address, issue a card
console-home-find = Look at the record, issue or replace a card
console-home-activity = What cards did, without names
console-home-unfinished = Registrations that are not finished
console-home-unfinished-note = By when they were changed last. Only you see them.

# Page of a holder
console-holder-registered = Registered:
console-holder-cards = Cards
console-holder-no-cards = There is no card yet.
console-holder-record = Record
console-list-more = There are more than are shown here
console-list-comma = {", "}
console-holder-earlier = Earlier addresses
console-record-ask = Why do you want to see the record?
console-record-hint = The holder can see when you looked at what, and why.
console-record-button = Show the record
console-issue-desk = At which reader is the card issued?
console-issue-desk-missing = Choose a reader
console-issue-no-desk = There is no reader that can issue cards. Ask the administrator to enrol a terminal.
console-issue-language = In which language does the holder read what there is to agree to?
console-issue-button = Issue a card

# Card desk
console-change-ask = What is to be done with this card?
console-change-hint = It counts at once: terminals are sent a new list.
console-change-missing = Choose what is to be done
console-change-button = Do this
console-change-none = Nothing can be done with a card in this state.
console-change-becomes = The card becomes: { $state }
console-change-holder-asked = Suspend: the holder asks for it
console-change-under-inquiry = Suspend during an inquiry
console-change-holder-present = Take up again: the holder is here with the card
console-change-lost = Report lost
console-change-stolen = Report stolen
console-change-damaged = Block: the card is damaged
console-change-misused = Block: somebody else used the card
console-change-given-back = The card is given back

# Progress of an issuance
console-issuance-title = Issuing card
console-issuance-watch = Watch the issuance
console-job-steps = Progress
console-job-refresh = Refresh
console-job-resume = Go on
console-job-back = Back to the holder
console-job-back-to-staff = Back to the member of staff
console-job-running = At work
console-job-waiting = Waiting
console-issuance-finished = The card is in use
console-issuance-failed = The card could not be issued
console-issuance-next-running = Leave the card where it is.
console-issuance-next-for-card = Put a blank card on the reader.
console-issuance-next-for-card-back = The card was taken off before it was finished. Put the same card back: it goes on where it stopped.
console-issuance-next-for-reader = The reader is not connected. Plug it in again and put the card on it: it goes on by itself.
console-issuance-next-for-new-pin = Ask the holder to choose a PIN at the reader.
console-issuance-next-for-pin = Ask the holder to type the PIN at the reader.
console-issuance-next-for-consent = Ask the holder to read and agree at the reader.
console-issuance-next-for-consent-tap = The holder has agreed; it is on its way.
console-issuance-next-for-resume = The issuance has stopped. Put the card in place, then go on.
console-issuance-next-finished = You can hand the card over.
console-issuance-next-failed = Go back to the holder to begin again.
console-issuance-give-up = Give this issuance up
console-issuance-give-up-hint = If the person has left or does not want the card. The card never comes into use; the chip can be issued to somebody else.
console-unblock-title = Choose a PIN anew
console-unblock-lead = For a holder whose PIN is blocked or forgotten. Compare the person with the document, and enter its number.
console-unblock-desk = At which reader does the holder choose the PIN?
console-unblock-button = Go on at the reader
console-unblock-finished = The holder has chosen a PIN
console-unblock-failed = The PIN could not be chosen anew
console-unblock-next-running = Leave the card where it is.
console-unblock-next-for-card = Put the holder's card on the reader.
console-unblock-next-for-card-back = The card was taken off too early. Put it back: it goes on where it stopped.
console-unblock-next-for-reader = The reader is not connected. Plug it in again and put the holder's card on it: it goes on by itself.
console-unblock-next-for-new-pin = Ask the holder to choose a PIN at the reader. Nobody else types it.
console-unblock-next-for-resume = It has stopped. Put the holder's card on the reader, then go on.
console-unblock-next-finished = You can hand the card back.
console-unblock-next-failed = Report the card as damaged and issue another.
console-unblock-give-up = End this
console-unblock-give-up-hint = If the person has left. The reader is free for others, and it can go on later.

# Which card lies on a reader
console-identify-title = Whose card is it?
console-identify-finished = It is a card of this office
console-identify-failed = No holder was found by the card
console-identify-next-running = Leave the card where it is.
console-identify-next-for-card = Put the card on the reader.
console-identify-next-finished = You can give the card back.
console-identify-next-failed = Find the holder in another way, or try again.
console-identify-on = Open the holder's page
console-identify-again = Try again
identify-unknown = This look at a card is over. Find the holder again.
identify-not-ours = This is a blank card, or a card of another office.
identify-no-possession = The card says that it is one of this office's and cannot prove it: it may be a copy. Keep it and call your supervisor.
identify-card-errors = The card does not answer as it should. Clean its contacts, and put it on the reader again.
identify-nobody-came = No card was put on the reader.
identify-no-reader = The reader is not connected. Plug it in, then try again.

# Purposes of looking at activity
console-purpose-title = Why are you looking at card activity?
console-purpose-lead = Your answer goes into the log together with your name and the time.
console-purpose-button = Continue
console-purpose-missing = Choose a purpose
console-purpose-oversight = Regular check
console-purpose-oversight-hint = The daily or weekly look at what happened
console-purpose-complaint = Complaint or dispute
console-purpose-complaint-hint = Somebody says that a tap was wrong or is missing
console-purpose-fault = Fault of a terminal or card
console-purpose-fault-hint = Something does not work and you look for the cause
console-stated-purpose = Purpose:
console-change-purpose = Change

# Activity
console-activity-title = Card activity
console-activity-lead = The newest taps of all cards, newest first. No names are shown here, and no gates: those are only counted.
console-activity-caption = { $count } taps on this page. Money in yuan.
console-col-time = Time
console-col-card = Card
console-col-operation = What
console-col-amount = Amount (¥)
console-col-outcome = Outcome
console-col-place = Terminal
console-no-amount = no amount
console-unknown-terminal = Unknown terminal
console-pages = Further pages
console-older = Older activity
console-newest = Newest activity
console-empty-title = No activity yet
console-empty-text = As soon as a card is tapped at a terminal and the terminal has sent the tap, it stands here.
console-card-empty = This card has not been tapped yet.

# Evidence
console-evidence-title = Evidence
console-evidence-text = Every line above leaves an entry in a log that is signed within seconds. Compare these figures with a copy made elsewhere.
console-evidence-size = Entries sealed
console-evidence-at = Signed
console-evidence-root = Fingerprint (root)
console-evidence-none = The log has not been signed yet. The first signature comes within seconds of the first entry.

# Card
console-card-title = Card
console-card-facts = About this card
console-card-expires = Valid until
console-card-issued = Issuing began
console-card-changed = State since
console-card-number = Card number
console-back = Back to card activity
console-holder-title = Holder
console-holder-ask = Why do you need to see the holder?
console-holder-hint = The holder can see that you looked, when and why. Name and number are shown in part only.
console-holder-button = Show the holder
console-holder-name = Name
console-holder-document = Document
console-holder-logged = This look is in the log, and the holder can see it.
console-card-of-staff = A staff card: its bearer signs in with it, and nothing else.
console-holder-not-yours = Your role works without persons, so the holder is not shown.
console-reason-registration = Registration or its correction
console-reason-card-issuance = Issuing or replacing a card
console-reason-holder-request = The holder is at the desk and asks
console-reason-complaint = Complaint or dispute
console-reason-permit = Deciding about a residence permit

# States of a card
console-state-personalising = Being written
console-state-personalised = Waiting for consent
console-state-active = Active
console-state-suspended = Suspended
console-state-blocked = Blocked
console-state-lost = Reported lost
console-state-expired = Expired
console-state-replaced = Replaced
console-state-returned = Returned
console-state-abandoned = Issuance given up

# Operations
console-operation-purse-payment = Payment
console-operation-purse-top-up = Top-up
console-operation-purse-refund = Refund
console-operation-purse-void = Void
console-operation-purse-statement = Statement
console-operation-social-security-dispute = A month of social security disputed
console-operation-clinic-check-in = Check-in at a clinic
console-operation-clinic-settlement = A clinic's bill
console-operation-clinic-reversal = A clinic's bill taken back
console-operation-purse-top-up-approval = Top-up approved
console-operation-purse-inquiry = Balance inquiry
console-operation-points-award = Points for a purchase
console-operation-points-redemption = Points for goods
console-operation-points-undo = Points undone
console-operation-transit-validation = Card shown on a vehicle or at a barrier
console-operation-transit-inspection = Ticket inspection
console-operation-transit-pass = Transit pass
console-operation-gate-check = Gate check
console-operation-card-sign-in = Sign-in
console-operation-registration-consent = Consent to registration
console-operation-terminal-abandoned = Given up at the terminal
console-operation-unknown = Unknown operation

# Outcomes
console-outcome-0 = Accepted
console-outcome-1 = Unreadable
console-outcome-2 = Unknown card
console-outcome-3 = Wrong signature
console-outcome-4 = PIN needed
console-outcome-5 = Card not active
console-outcome-6 = Card expired
console-outcome-7 = Not allowed here
console-outcome-8 = Amount not allowed
console-outcome-9 = Balance too low
console-outcome-10 = Clock wrong
console-outcome-11 = Number used twice
console-outcome-12 = Wrong terminal
console-outcome-13 = Held for review
console-outcome-14 = Agreed to another text
console-outcome-15 = No such payment by this holder here
console-outcome-16 = A refund cannot be refunded
console-outcome-17 = More than is left of the payment
console-outcome-18 = Too late to give back
console-outcome-19 = Not enough points
console-outcome-20 = Other terms for points
console-outcome-21 = Not booked after review
console-outcome-22 = Too much for one day
console-outcome-23 = Staff has to approve it
console-outcome-24 = No valid journey
console-outcome-25 = Not on sale
console-outcome-26 = No employer had to see to this month
console-outcome-27 = No such bill of this holder waits here
console-outcome-28 = The bill comes to something else by now
console-outcome-29 = Later bills rest on it

# Error pages: what to do next
console-error-home = Go to the start page
console-error-code = Error code:
console-error-next-400 = Go back and try again. If it happens again, tell your administrator what you did before.
console-error-next-403 = If you need this for your work, ask your administrator. Nothing was changed.
console-error-next-404 = Check the address, or go to the start page and look from there.
console-error-next-429 = Wait a minute, then try again.
console-error-next-500 = Nothing that was accepted is lost. Try again; if it happens again, tell your administrator the time and the code below.
console-error-next-503 = Wait a few seconds and load the page again. Taps are kept at the terminals meanwhile.
console-other-site = This came from another site and was refused. Go to the start page and do it there.
