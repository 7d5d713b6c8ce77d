//! Who may do what: the one table of every route, and a walk that finds it to be so.

use std::collections::BTreeSet;

use axum::Router;
use axum::http::{StatusCode, header};
use serde_json::Value;

use super::records::Scene;
use super::walk::{Answered, Caller, walk};
use crate::people::StaffRole;
use crate::people::model::Permission;

/// Who gets through to a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// Whoever comes, signed in or not.
    Anybody,
    /// Whoever proves by what they send who they are: nobody in a walk does.
    Proof,
    /// Members of staff, whatever their role.
    Staff,
    /// Members of staff whose role may do this.
    May(Permission),
    /// Members of staff whose role may do one of both.
    Either(Permission, Permission),
    /// Members of staff whose role may do something that takes two.
    MayApprove,
    /// Terminals with a client certificate, on their own listener.
    Terminals,
}

use Permission::{
    Administer, DecidePermits, FileContributions, HandOutLists, KeepStock, ReconcileContributions, ReverseTransfers,
    ReviewSuspicions, RunTerminals, SeeActivity, SeeCounts, ServeHolders, SetFares,
};
use Who::{Anybody, Either, May, MayApprove, Proof, Staff, Terminals};

/// Every route. One that is not here, or no more there, fails the test.
const TABLE: [(&str, &str, Who); 273] = [
    ("GET", "/", Staff),
    ("GET", "/account/password", Staff),
    ("GET", "/account/second-factor", Staff),
    ("GET", "/activity", May(SeeActivity)),
    ("GET", "/assets/camera.js", Anybody),
    ("GET", "/approvals", MayApprove),
    // As what is asked for is: here the role of somebody.
    ("GET", "/approvals/{approval_id}", May(Administer)),
    ("GET", "/assets/console.css", Anybody),
    ("GET", "/assets/live.js", Anybody),
    ("GET", "/assets/icon.svg", Anybody),
    ("GET", "/assets/paper.js", Anybody),
    ("GET", "/cards/{card_id}", May(SeeActivity)),
    ("GET", "/cards/{card_id}/holder", Anybody),
    ("GET", "/cards/{card_id}/taps/{tap}", May(SeeActivity)),
    ("GET", "/checkpoint", Anybody),
    ("GET", "/clinics", May(ReconcileContributions)),
    ("GET", "/claims/{claim_id}", May(ReconcileContributions)),
    ("GET", "/clinics/{organisation_id}", May(ReconcileContributions)),
    ("GET", "/clinics/{organisation_id}/months/{month}", May(ReconcileContributions)),
    ("GET", "/clinics/{organisation_id}/months/{month}/bills", May(ReconcileContributions)),
    ("GET", "/clinics/{organisation_id}/months/{month}/list", May(ReconcileContributions)),
    ("GET", "/disputes", May(ReconcileContributions)),
    ("GET", "/disputes/{tap_id}", May(ReconcileContributions)),
    ("GET", "/employers", May(ReconcileContributions)),
    ("GET", "/employers/{organisation_id}", May(ReconcileContributions)),
    ("GET", "/expiring", May(ServeHolders)),
    ("GET", "/fares", May(SetFares)),
    ("GET", "/fares/check", May(SetFares)),
    ("GET", "/fares/new", May(SetFares)),
    ("GET", "/fares/settlement", Either(ReverseTransfers, ReviewSuspicions)),
    ("GET", "/fares/settlement.csv", Either(ReverseTransfers, ReviewSuspicions)),
    ("GET", "/fares/{version}", May(SetFares)),
    ("GET", "/filings", May(FileContributions)),
    ("GET", "/filings/enrolments", May(FileContributions)),
    ("GET", "/filings/new", May(FileContributions)),
    ("GET", "/find", May(ServeHolders)),
    ("GET", "/find/name", May(ServeHolders)),
    ("GET", "/find/number", May(ServeHolders)),
    ("GET", "/find/tap", May(ServeHolders)),
    ("GET", "/gates", May(RunTerminals)),
    ("GET", "/gates/new", May(RunTerminals)),
    ("GET", "/gates/{site_id}", May(RunTerminals)),
    ("GET", "/healthz", Anybody),
    ("GET", "/holders/{holder_id}", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/agreement", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/agreement/form", Anybody),
    ("GET", "/holders/{holder_id}/agreement/signed", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/agreement/withdraw", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/cards", Anybody),
    ("GET", "/holders/{holder_id}/cards/{card_id}", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/cards/{card_id}/chip", Anybody),
    ("GET", "/holders/{holder_id}/cards/{card_id}/unblock", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/change/{field}", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/concessions", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/gates", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/gates/new", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/gates/{credential_id}", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/household", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/household/head", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/household/leave", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/household/relationship", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/insurance", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/journeys", May(ReverseTransfers)),
    ("GET", "/holders/{holder_id}/merge", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/merge/undo", Anybody),
    ("GET", "/holders/{holder_id}/papers", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/papers/new", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/papers/{paper}", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/papers/{paper}/print", Anybody),
    ("GET", "/holders/{holder_id}/permit", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/permit/application", Anybody),
    ("GET", "/holders/{holder_id}/photo", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/photo/remove", Anybody),
    ("GET", "/holders/{holder_id}/record", Anybody),
    ("GET", "/holders/{holder_id}/slip", May(ServeHolders)),
    ("GET", "/holders/{holder_id}/timeline", May(ServeHolders)),
    ("GET", "/identifications/{identification_id}", May(ServeHolders)),
    ("GET", "/identifications/{identification_id}/events", May(ServeHolders)),
    ("GET", "/imports", May(ServeHolders)),
    ("GET", "/imports/template.xlsx", May(ServeHolders)),
    ("GET", "/imports/{import_id}", May(ServeHolders)),
    ("GET", "/imports/{import_id}/events", May(ServeHolders)),
    ("GET", "/imports/{import_id}/rejected.xlsx", May(ServeHolders)),
    ("GET", "/imports/{import_id}/undo", May(ServeHolders)),
    ("GET", "/issuances/{issuance_id}", May(ServeHolders)),
    ("GET", "/issuances/{issuance_id}/events", May(ServeHolders)),
    ("GET", "/issuances/{issuance_id}/give-up", Anybody),
    ("GET", "/issuances/{issuance_id}/resume", Anybody),
    ("GET", "/issuances/{issuance_id}/slip", May(ServeHolders)),
    ("GET", "/language", Anybody),
    ("GET", "/map", May(SeeCounts)),
    ("GET", "/map/{level}/{code}", May(SeeCounts)),
    ("GET", "/metrics", Anybody),
    ("GET", "/organisations", May(Administer)),
    ("GET", "/organisations/new", May(Administer)),
    ("GET", "/organisations/{organisation_id}", May(Administer)),
    ("GET", "/papers/check", Anybody),
    ("GET", "/papers/check/answer", Anybody),
    ("GET", "/passes", May(ServeHolders)),
    ("GET", "/passes/{site_id}", May(ServeHolders)),
    ("GET", "/passes/{site_id}/new", May(ServeHolders)),
    ("GET", "/passes/{site_id}/{pass}", May(ServeHolders)),
    ("GET", "/passes/{site_id}/{pass}/print", May(ServeHolders)),
    ("GET", "/permits", May(ServeHolders)),
    ("GET", "/points", May(Administer)),
    ("GET", "/points/new", May(Administer)),
    ("GET", "/points/{programme_id}", May(Administer)),
    ("GET", "/quarantine", May(SeeActivity)),
    ("GET", "/quarantine/{terminal_id}", May(SeeActivity)),
    ("GET", "/receipts/{receipt}", Anybody),
    ("GET", "/receipts/{receipt}/proof", Anybody),
    ("GET", "/readyz", Anybody),
    ("GET", "/receipts", May(ReconcileContributions)),
    ("GET", "/receipts/new", May(ReconcileContributions)),
    ("GET", "/registrations", Anybody),
    ("GET", "/registrations/{draft_id}/agreement", May(ServeHolders)),
    ("GET", "/registrations/{draft_id}/cell", May(ServeHolders)),
    ("GET", "/registrations/{draft_id}/check", May(ServeHolders)),
    ("GET", "/registrations/{draft_id}/discard", Anybody),
    ("GET", "/registrations/{draft_id}/household", May(ServeHolders)),
    ("GET", "/registrations/{draft_id}/relationship", May(ServeHolders)),
    ("GET", "/registrations/{draft_id}/similar", May(ServeHolders)),
    ("GET", "/registrations/{draft_id}/{step}", May(ServeHolders)),
    ("GET", "/rosters", May(HandOutLists)),
    ("GET", "/rosters/{organisation_id}", May(HandOutLists)),
    ("GET", "/sign-in", Anybody),
    ("GET", "/sign-in/card", Anybody),
    ("GET", "/sign-in/code", Staff),
    ("GET", "/sign-out", Anybody),
    ("GET", "/sign-out/everywhere", Anybody),
    ("GET", "/staff", May(Administer)),
    ("GET", "/staff/new", May(Administer)),
    ("GET", "/staff/{staff_id}", May(Administer)),
    ("GET", "/staff/{staff_id}/sign-in", May(Administer)),
    ("GET", "/stock", May(KeepStock)),
    ("GET", "/stock/{organisation_id}", May(KeepStock)),
    ("GET", "/stock/{organisation_id}/moves", May(KeepStock)),
    ("GET", "/suspicions", May(ReviewSuspicions)),
    ("GET", "/suspicions/{suspicion_id}", May(ReviewSuspicions)),
    ("GET", "/terminals", May(SeeActivity)),
    ("GET", "/terminals/new", May(RunTerminals)),
    ("GET", "/terminals/{terminal_id}", May(SeeActivity)),
    ("GET", "/tile/{path}", Anybody),
    ("GET", "/unblocks/{unblock_id}", May(ServeHolders)),
    ("GET", "/unblocks/{unblock_id}/events", May(ServeHolders)),
    ("GET", "/unblocks/{unblock_id}/give-up", Anybody),
    ("GET", "/unblocks/{unblock_id}/resume", Anybody),
    ("GET", "/unblocks/{unblock_id}/slip", May(ServeHolders)),
    ("GET", "/v1/cards/{card_id}", May(SeeActivity)),
    ("GET", "/v1/cards/{card_id}/activity", May(SeeActivity)),
    ("GET", "/v1/checkpoint", Terminals),
    ("GET", "/v1/holders/{holder_id}/reads", May(ServeHolders)),
    ("GET", "/v1/issuances/{issuance_id}", May(ServeHolders)),
    ("GET", "/v1/fares", Terminals),
    ("GET", "/v1/gate", Terminals),
    ("GET", "/v1/jobs/next", Terminals),
    ("GET", "/v1/papers/key", Anybody),
    ("GET", "/v1/profile", Terminals),
    ("GET", "/v1/status-lists/cards", Terminals),
    ("GET", "/v1/status-lists/cards/changes", Terminals),
    ("GET", "/v1/terminals", May(SeeActivity)),
    ("DELETE", "/v1/sessions", Anybody),
    ("POST", "/account/password", Staff),
    ("POST", "/account/second-factor", Staff),
    ("POST", "/approvals/{approval_id}", May(Administer)),
    ("POST", "/cards/{card_id}/holder", May(ServeHolders)),
    ("POST", "/cards/{card_id}/taps/{tap}", May(ReverseTransfers)),
    ("POST", "/fares/check", May(SetFares)),
    ("POST", "/fares/new", May(SetFares)),
    ("POST", "/claims/{claim_id}", May(ReconcileContributions)),
    ("POST", "/clinics/{organisation_id}", May(ReconcileContributions)),
    ("POST", "/clinics/{organisation_id}/months/{month}", May(ReconcileContributions)),
    ("POST", "/clinics/{organisation_id}/months/{month}/list", May(ReconcileContributions)),
    ("POST", "/disputes/{tap_id}", May(ReconcileContributions)),
    ("POST", "/employers/{organisation_id}", May(ReconcileContributions)),
    ("POST", "/filings", May(FileContributions)),
    ("POST", "/filings/enrolments", May(FileContributions)),
    ("POST", "/filings/new", May(FileContributions)),
    ("POST", "/find", May(ServeHolders)),
    ("POST", "/find/name", May(ServeHolders)),
    ("POST", "/find/number", May(ServeHolders)),
    ("POST", "/find/tap", May(ServeHolders)),
    ("POST", "/gates/new", May(RunTerminals)),
    ("POST", "/gates/{site_id}", May(RunTerminals)),
    ("POST", "/holders/{holder_id}/agreement/form", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/agreement/signed", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/agreement/withdraw", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/cards", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/cards/{card_id}", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/cards/{card_id}/chip", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/cards/{card_id}/unblock", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/change/{field}", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/concessions", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/gates", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/gates/new", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/gates/{credential_id}", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/household", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/household/head", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/household/leave", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/household/relationship", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/insurance", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/journeys", May(ReverseTransfers)),
    ("POST", "/holders/{holder_id}/merge", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/merge/undo", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/papers/new", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/papers/{paper}", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/papers/{paper}/print", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/permit", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/permit/application", May(DecidePermits)),
    ("POST", "/holders/{holder_id}/photo", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/photo/remove", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/record", May(ServeHolders)),
    ("POST", "/holders/{holder_id}/timeline", May(ServeHolders)),
    ("POST", "/imports", May(ServeHolders)),
    ("POST", "/imports/{import_id}", May(ServeHolders)),
    ("POST", "/imports/{import_id}/undo", May(ServeHolders)),
    ("POST", "/issuances/{issuance_id}/give-up", May(ServeHolders)),
    ("POST", "/issuances/{issuance_id}/resume", May(ServeHolders)),
    ("POST", "/language", Anybody),
    ("POST", "/organisations/new", May(Administer)),
    ("POST", "/organisations/{organisation_id}", May(Administer)),
    ("POST", "/papers/check/answer", Anybody),
    ("POST", "/passes/{site_id}/new", May(ServeHolders)),
    ("POST", "/passes/{site_id}/{pass}", May(ServeHolders)),
    ("POST", "/points/new", May(Administer)),
    ("POST", "/points/{programme_id}", May(Administer)),
    ("POST", "/quarantine/{terminal_id}", May(ReverseTransfers)),
    ("POST", "/receipts", May(ReconcileContributions)),
    ("POST", "/receipts/new", May(ReconcileContributions)),
    ("POST", "/registrations", May(ServeHolders)),
    ("POST", "/registrations/{draft_id}/agreement", May(ServeHolders)),
    ("POST", "/registrations/{draft_id}/cell", May(ServeHolders)),
    ("POST", "/registrations/{draft_id}/check", May(ServeHolders)),
    ("POST", "/registrations/{draft_id}/discard", May(ServeHolders)),
    ("POST", "/registrations/{draft_id}/household", May(ServeHolders)),
    ("POST", "/registrations/{draft_id}/relationship", May(ServeHolders)),
    ("POST", "/registrations/{draft_id}/similar", May(ServeHolders)),
    ("POST", "/registrations/{draft_id}/{step}", May(ServeHolders)),
    ("POST", "/rosters/{organisation_id}", May(HandOutLists)),
    ("POST", "/sign-in", Proof),
    ("POST", "/sign-in/card", Anybody),
    ("POST", "/sign-in/code", Staff),
    ("POST", "/sign-out", Anybody),
    ("POST", "/sign-out/everywhere", Staff),
    ("POST", "/staff/new", May(Administer)),
    ("POST", "/staff/{staff_id}", May(Administer)),
    ("POST", "/staff/{staff_id}/sign-in", May(Administer)),
    ("POST", "/stock/{organisation_id}", May(KeepStock)),
    ("POST", "/suspicions/{suspicion_id}", May(ReviewSuspicions)),
    ("POST", "/terminals/new", May(RunTerminals)),
    ("POST", "/terminals/{terminal_id}", May(RunTerminals)),
    ("POST", "/unblocks/{unblock_id}/give-up", May(ServeHolders)),
    ("POST", "/unblocks/{unblock_id}/resume", May(ServeHolders)),
    ("POST", "/v1/batches", Terminals),
    ("POST", "/v1/cards", May(ServeHolders)),
    ("POST", "/v1/certificates", Terminals),
    ("POST", "/v1/enrolments", Proof),
    ("POST", "/v1/holders", May(ServeHolders)),
    ("POST", "/v1/holders/{holder_id}/reads", May(ServeHolders)),
    ("POST", "/v1/issuances/{issuance_id}/resume", May(ServeHolders)),
    ("POST", "/v1/jobs/{job_id}/observations", Terminals),
    ("POST", "/v1/papers/check", Anybody),
    ("POST", "/v1/sessions", Proof),
    ("POST", "/v1/sign-ins", Terminals),
    ("POST", "/v1/sign-ins/links", Terminals),
    ("POST", "/v1/statements", Terminals),
    ("POST", "/v1/visits", Terminals),
    ("POST", "/v1/claims", Terminals),
    ("POST", "/v1/staff", May(Administer)),
    ("POST", "/v1/terminals", May(RunTerminals)),
    ("POST", "/v1/terminals/{terminal_id}/codes", May(RunTerminals)),
    ("POST", "/v1/terminals/{terminal_id}/revoke", May(RunTerminals)),
    ("PUT", "/v1/cards/{card_id}/state", May(ServeHolders)),
];

/// Whether somebody was turned away at the door, whatever they brought.
fn is_turned_away(answered: &Answered) -> bool {
    let location = answered.headers.get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default();
    if answered.status.is_redirection() {
        return location.starts_with("/sign-in?to=");
    }
    let kind = serde_json::from_slice::<Value>(&answered.body).ok();
    match kind.as_ref().and_then(|problem| problem["type"].as_str()) {
        Some(kind) => kind.ends_with(":forbidden") || kind.ends_with(":not-signed-in"),
        None => matches!(answered.status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED),
    }
}

/// Whether somebody is to get through; none where that route is not on the listener to which they come.
fn is_to_pass(who: Who, by: &str) -> Option<bool> {
    let role = StaffRole::from_name(by);
    match who {
        Terminals => (by == "terminal").then_some(true),
        Proof => None,
        _ if by == "terminal" => None,
        Anybody => Some(true),
        Staff => Some(role.is_some()),
        May(permission) => Some(role.is_some_and(|role| role.may(permission))),
        Either(one, other) => Some(role.is_some_and(|role| role.may(one) || role.may(other))),
        MayApprove => Some(role.is_some_and(StaffRole::approves)),
    }
}

/// What a walk finds other than the table has it.
async fn deviations(scene: &Scene, table: &[(&'static str, &'static str, Who)]) -> BTreeSet<String> {
    let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let look = async |answered: Answered| {
        // A page has not every method, and terminals come to a listener of their own.
        let not_there = answered.status == StatusCode::NOT_FOUND && answered.by == "terminal";
        if answered.status == StatusCode::METHOD_NOT_ALLOWED || not_there {
            return;
        }
        let route = (answered.route.method.as_str(), answered.route.path.as_str());
        let name = format!("{} {}", route.0, route.1);
        let Some((.., who)) = table.iter().find(|(method, path, _)| (*method, *path) == route) else {
            found.insert(format!("{name} is not in the table"));
            return;
        };
        seen.insert(name.clone());
        let passes = !is_turned_away(&answered);
        let (by, status) = (answered.by, answered.status);
        found.extend(match is_to_pass(*who, by) {
            Some(true) if !passes => Some(format!("{name} turns {by} away: {status}")),
            Some(false) if passes => Some(format!("{name} lets {by} in: {status}")),
            None if status.is_success() && *who != Anybody => Some(format!("{name} is on both listeners: {by}")),
            _ => None,
        });
    };
    walk(&scene.listeners(Router::new()), &[], &scene.callers, &scene.known, look).await;
    let missing = table.iter().map(|(method, path, _)| format!("{method} {path}")).filter(|name| !seen.contains(name));
    found.extend(missing.map(|name| format!("{name} is not there")));
    found
}

#[tokio::test]
async fn every_route_lets_in_whom_the_table_says_and_nobody_else() {
    let scene = Box::pin(Scene::new()).await;
    assert!(scene.callers.iter().any(|caller| matches!(caller, Caller::Nobody)));
    let found = deviations(&scene, &TABLE).await;
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_permission_that_a_route_asks_for_counts_as_power() {
    let asked = TABLE.into_iter().filter_map(|(_, path, who)| match who {
        May(permission) => Some((path, permission)),
        _ => None,
    });
    let left_out: Vec<_> = asked.filter(|(_, permission)| !Permission::ALL.contains(permission)).collect();
    assert!(left_out.is_empty(), "{left_out:?}");
}

#[tokio::test]
async fn a_table_that_says_too_much_or_too_little_is_found() {
    let scene = Box::pin(Scene::new()).await;
    let mut planted = TABLE;
    for (method, path, who) in &mut planted {
        match (*method, *path) {
            ("GET", "/find") => *who = May(SeeActivity),
            ("GET", "/activity") => *who = May(ServeHolders),
            ("GET", "/") => *who = Anybody,
            ("GET", "/healthz") => *path = "/health",
            _ => {}
        }
    }
    let found = deviations(&scene, &planted).await;
    let expected = [
        "GET / turns nobody away: 303 See Other",
        "GET /activity lets auditor in: 200 OK",
        "GET /activity lets operator in: 200 OK",
        "GET /find turns auditor away: 403 Forbidden",
        "GET /find turns operator away: 403 Forbidden",
        "GET /health is not there",
        "GET /healthz is not in the table",
    ];
    assert_eq!(found, expected.map(str::to_owned).into());
}
