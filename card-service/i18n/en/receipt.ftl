# The page of a receipt
receipt-title = Receipt
receipt-lead = This is what the card office has on record. Compare it with the paper.
receipt-what = What
receipt-amount = Amount
receipt-returned = Given back since
receipt-place = Place in the log
receipt-place-is = { $index } of { $size }
receipt-signed = Log signed on
receipt-root = Log root (SHA-256)
receipt-log = The log
receipt-logged = The log has it
receipt-logged-soon = On record, in the signed log within seconds
receipt-log-lead = Everything that is done is written into a log that nobody can alter unseen. With the proof anybody can check that this record is in it.
receipt-proof = Download the proof
receipt-unknown = There is no such receipt. Scan the square code once more, whole
receipt-too-many = Too many receipts were looked at from here. Wait a minute and try again
receipt-not-signed-yet = It is in the signed log within seconds. Try again then
