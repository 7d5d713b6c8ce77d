//! The card side: a link to one card, who watches the readers, and APDUs; knows nothing of PIV.
