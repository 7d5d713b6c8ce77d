//! Four times what the service can do, for some seconds; the long suite does it for minutes.

use bench::intake::installation::Engine;
use faults::overload::{self, Extent};

#[test]
fn a_service_offered_four_times_its_capacity_refuses_most_of_it_at_once_and_loses_nothing() {
    let overload = overload::run(Engine::Sqlite, Extent::SHORT).expect("the service goes on under any load");
    println!("{overload}");
    assert_eq!(overload.findings, []);
}
