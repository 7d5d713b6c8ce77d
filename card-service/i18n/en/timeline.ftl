# Everything that was done with one person's record, permits, papers and cards.

timeline-title = Everything that was done
timeline-lead = What the office did for this person, and who read the record. What the card is used for is not in it: nobody is followed.
timeline-open = Show what was done, in order
timeline-hint = Registration, changes, homes, household, agreement, permits, papers, cards, and who read the record.
timeline-ask = Why do you look at it?
timeline-button = Show
timeline-newest = The newest first
timeline-more = There is more; the newest is shown.
timeline-registered = Registered
timeline-moved-in = Moved in
timeline-photo = Photo taken
timeline-paper-issued = Issued
timeline-paper-withdrawn = Withdrawn
timeline-merged = Made another record of a person whose record is kept elsewhere
timeline-undone = Stands for itself again
timeline-read = Read: { $what }
timeline-read-photo = photo
timeline-read-household = household
timeline-read-permit-proof = proof for the residence permit
timeline-read-concessions = fare concessions
timeline-read-timeline = what was done
timeline-read-agreement-signer = who signed the agreement
timeline-agreement-printed = Form printed
timeline-agreement-signed = Form signed
timeline-agreement-withdrawn = Withdrawn
