# Clinics: their levels, and what is said at their terminals.
clinic-title = Clinics
clinic-lead = At which level each clinic is: by it the fund pays more or less of a bill
clinic-none = There is no clinic yet. An administrator adds them as organisations.
clinic-level = Level
clinic-no-level = not said yet
clinic-act-level = Level
clinic-level-hint = As the health commission has graded it. From then on the clinic can write bills; what is settled already stays as it is.
clinic-level-missing = Choose a level
visit-over = This visit is over, or began at another clinic. Have the holder check in once more
visit-no-level = Nobody has said at which level this clinic is. Ask the social security bureau to enter it
claim-diagnosis = Write what the holder was treated for, in up to 500 characters on one line
claim-lines = Write at least one line, and at most 200
claim-settled = A bill of this visit was settled. Take it back before you write another
