//! Money in and out of the holder's purse. The purse itself lies with the service: the chip holds no balance.

use minicbor::{Decoder, Encoder, encode::Write};

use crate::{
    envelope::{EnvelopeError, cbor},
    money::Fen,
};

macro_rules! amount_operation {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name {
            /// Above zero; the service refuses anything else.
            pub amount: Fen,
        }

        impl $name {
            pub(crate) fn encode<W: Write>(
                self,
                e: &mut Encoder<W>,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.map(1)?.u8(1)?.i64(self.amount.0)?;
                Ok(())
            }

            pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
                cbor::map(d, 1)?;
                cbor::key(d, 1)?;
                Ok(Self { amount: Fen(d.i64()?) })
            }
        }
    };
}

amount_operation!(
    /// A payment to the organisation that runs the terminal.
    Payment
);
amount_operation!(
    /// Cash handed over at the terminal and credited to the purse.
    TopUp
);
