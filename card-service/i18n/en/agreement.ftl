# Agreement to what is done with a registration
agreement-title = Agreement
agreement-open = Agreement and forms
agreement-words = What was agreed to
agreement-standing-missing = Missing
agreement-standing-agreed = Agreed
agreement-standing-withdrawn = Withdrawn
agreement-next-missing = Nobody has agreed to what is done with this registration. Print a form and have it signed, or issue a card: the person then agrees at the reader.
agreement-next-agreed = The person, or who may do so for the person, has agreed. See below to what, when and how.
agreement-next-withdrawn = Nothing more may be done that rests on this agreement: take the card back and remove the photo. The registration itself stays, because the law requires it. If the person agrees again, print a form and have it signed, or issue a card.
agreement-means = How
agreement-by-card = With the card, when it was issued
agreement-by-paper = On paper, form { $number }
agreement-version = Version of the text
agreement-day = Day
agreement-recorded = Recorded
agreement-signer = Who signed last
agreement-form = Form { $number }
agreement-on = on { $day }
agreement-none = There is no agreement to withdraw. Go back to see how it stands
agreement-meanwhile = { $staff } recorded something about this agreement on { $at }. Look at how it stands now; if this is still right, save once more

# When somebody is registered
agreement-means-ask = How does the person agree to this?
agreement-means-card = With the card, when it is issued
agreement-means-card-hint = At the reader, with the PIN
agreement-means-paper = On paper, now
agreement-means-paper-hint = For whoever takes no card yet. A form is printed and signed; then the person is registered.
agreement-means-child-hint = Below the age of 14 a parent or another guardian agrees. A form is printed and signed; then the child is registered.
agreement-means-missing = Choose how the person agrees
agreement-means-child = Below the age of 14 a parent or another guardian has to agree, on paper

# The form
agreement-form-title = Processing of personal information: notice and consent
agreement-print-hint = Print this on A4, let the person read it, and have it signed. Where there is no button, use the print command of your browser. Then answer the questions below the form.
agreement-station = Station
agreement-printed = Printed on
agreement-witness = Witnessed by
agreement-line-signature = Signature of the person
agreement-line-day = Date
agreement-line-other = Signature of the guardian or helper
agreement-line-relationship = Relationship to the person
agreement-form-note = Version { $version } of the text. The station keeps this form and gives a copy to whoever asks for one.
agreement-register = Signed: register

# A form that was signed
agreement-paper-title = On paper
agreement-paper-lead = A form has the text, the person's name and document number, and a number of its own. The person can see that it was printed.
agreement-print = Print a form
agreement-signed-open = Record a form that was signed
agreement-signed-title = Record a signature
agreement-signed-lead = Look at the form that was signed. You are its witness.
agreement-signed-button = Record
agreement-ask-form = Number of the form
agreement-ask-day = When was it signed?
agreement-ask-signer = Who has signed?
agreement-ask-name = Name of whoever signed for the person (not if the person signed)
agreement-hint-form = Twelve digits at the top of the form
agreement-hint-day = As on the form, for example 2026-03-27
agreement-hint-name = As on their document
agreement-signer-holder = The person
agreement-signer-parent = Father or mother, as guardian
agreement-signer-grandparent = Grandparent, as guardian
agreement-signer-guardian = Another guardian
agreement-signer-relative = Somebody of the family, for a person who cannot sign
agreement-signer-helper = Somebody else, for a person who cannot sign
agreement-form-bad = The number of a form has twelve digits, the last of which checks the others. Compare it with the form
agreement-form-unknown = There is no form with this number. Compare it with the form
agreement-form-of-another = This is not a form of this person. Find the person by the number of the form
agreement-form-used = This form was recorded already. If the person has signed once more, print another form
agreement-day-bad = Enter the day as on the form, for example 2026-03-27
agreement-day-future = The day is in the future. Enter the day as on the form
agreement-day-printed = The form was printed on { $day }: nobody can have signed it before
agreement-day-agreed = The agreement is of { $day }: it cannot have been withdrawn before
agreement-day-withdrawn = The agreement was withdrawn on { $day }. What was signed before no longer counts: print another form
agreement-signer-missing = Choose who has signed
agreement-signer-child = The person was below the age of 14 on that day: a parent or another guardian signs
agreement-name-missing = Enter the name of whoever signed for the person
agreement-name-not-needed = You entered a name, and chose that the person has signed. Clear the name, or choose who has signed

# A withdrawal
agreement-withdraw-title = Withdraw
agreement-withdraw-means = The person may withdraw at any time, without a reason and at no cost.
agreement-withdraw-open = The person withdraws
agreement-withdraw-lead = From that day on nothing more may be done that rests on the agreement: take the card back and remove the photo. What was done before stays lawful. The registration itself stays, because the law requires it.
agreement-withdraw-button = Record the withdrawal
