# The page of a photo.

photo-title = Photo
photo-lead = A photo is the person's choice and goes onto their own card only. A card without one works just as well.
photo-taken-at = There is a photo, taken on
photo-kept = The photo is kept. The one before is gone.
photo-alt = The photo that was just taken
photo-done = Back to the holder
photo-again = Not good? Take another
photo-start = Turn the camera on
photo-finder = What the camera sees
photo-take = Take and keep the photo
photo-no-camera = The camera does not start. See that it is connected and that the browser may use it, or choose a file.
photo-file = Picture file
photo-bounds = JPEG or PNG, at most { $megabytes } MB. It is cut to the shape of a document photo; where it was taken is removed.
photo-send = Keep the photo
photo-missing = Choose a picture file, or use the camera.
photo-too-large = The picture is too large. Choose one of at most { $megabytes } MB, or make it smaller first.
photo-no-picture = The file is not a JPEG or PNG picture, or it is damaged. Choose another.
photo-too-small = The picture is too small to tell a face. Choose one of at least 240 by 320 pixels.
photo-remove-title = Remove the photo
photo-remove-hint = The photo goes from the record. A card that has it keeps it until the card is replaced.
photo-remove = Remove the photo
photo-of-holder = Photo of the holder
photo-none = There is no photo
photo-is-kept = There is a photo
photo-open = Take or replace the photo
