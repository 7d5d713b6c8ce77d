# Registration
residence-begin = Register a newcomer
residence-continue = Continue
residence-back = Back
residence-change = Change
residence-not-given = Not given
residence-progress = Step { $number } of { $all }
residence-draft-kept = Each page is kept as you continue: you can go on later from the first page. What nobody changes for seven days is removed.
residence-discard = Give this registration up
residence-step-document = Document
residence-step-person = Person
residence-step-contact = Contact and household registration
residence-step-home = Present address
residence-field-document-kind = Kind of document
residence-field-document-number = Document number
residence-field-name = Name
residence-field-latin-name = Name in Latin letters
residence-field-birth = Date of birth
residence-field-phone = Telephone
residence-field-household-region = Place of household registration
residence-field-address = Present address
residence-ask-document-kind = What kind of document was shown?
residence-ask-latin-name = Name in Latin letters (optional)
residence-ask-phone = Telephone (optional)
residence-ask-household-region = Place of household registration (optional)
residence-hint-document-number = As on the document; spaces and small letters do not matter
residence-hint-name = As on the document; it is printed on the card
residence-hint-latin-name = As in the passport, if there is one
residence-hint-birth = Year, month and day, for example 1990-03-27
residence-hint-phone = A mobile number, a fixed one with its area code, or one from abroad that begins with +
residence-hint-household-region = A code of six digits, or the full name of a county, district or city. Codes that were given up are fine.
residence-hint-address = District, street, community, building, entrance, room or bed
residence-region-is = This is now: { $region }. Ask the person whether it is right.
residence-region-retired = { $region } { $code } (code in use until { $year })
residence-document-resident-identity-card = Identity card, residence permit or foreigner's permanent residence card
residence-document-hong-kong-macao-travel-permit = Mainland travel permit for Hong Kong and Macao residents
residence-document-taiwan-travel-permit = Mainland travel permit for Taiwan residents
residence-document-passport = Passport
residence-check-title = Check before you register
residence-check-lead = Check this together with the person. It becomes a record only when you register.
residence-told-title = Tell the person
residence-told-text = All of this is stored encrypted and serves residence registration and the card only. The person can see who looked at it, when and why, and agrees at the reader when the card is issued.
residence-register = Register
residence-known-title = Somebody is registered with this document
residence-known-lead = Do not register the person again. Open the record, or correct the number if it was mistyped.
residence-known-open = Open the record
residence-known-correct = Correct the number

# Finding
residence-find-title = Find a holder
residence-find-lead = By a document. No personal data is shown here.
residence-find-button = Find
residence-find-nobody = Nobody is registered with this document
residence-find-nobody-next = Compare the number with the document, or register a newcomer.

# Correcting
residence-change-title = Correct: { $field }
residence-change-lead = Enter what is right. What was there before is kept, with who changed it, when and why.
residence-change-why = Why is it changed?
residence-change-mistyped = It was taken down wrongly
residence-change-changed = It has changed: the person moved, has another document, …
residence-change-missing = Choose why it is changed
residence-change-button = Save

# Perhaps one person
residence-similar-title = Perhaps registered already
residence-similar-lead = There is a record that is much like what was typed. Ask the person whether it is theirs.
residence-similar-caption = Both compared
residence-similar-typed = Typed now
residence-similar-known = On record
residence-similar-ask = Are they the same person?
residence-similar-same = Yes: open the record that is there
residence-similar-other-document = No: the other has another document that is in force
residence-similar-relatives = No: twins or other relatives
residence-similar-namesakes = No: they share the name or its sound, nothing else
residence-similar-missing = Choose whether they are the same person
