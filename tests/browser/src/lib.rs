//! A real Chromium for stories of what people see and what other pages try. Speaks W3C WebDriver to Debian's
//! `chromedriver`; holds no assertions about the product: those are the stories'.

pub mod accessibility;
mod chromium;
pub mod foreign;
pub mod insured;
pub mod pictures;
pub mod shop;
mod site;
pub mod terminal_page;
pub mod visitor;

pub use chromium::{Chromium, Look, Scripts};
pub use site::Site;
pub use visitor::Visitor;
