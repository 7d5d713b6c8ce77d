//! The tree keeps its rules, and each rule finds the defects planted for it.

use tidy::{RULES, Tree, Violation};

#[test]
fn the_tree_keeps_its_rules() {
    let tree = Tree::of_repository();
    assert!(tree.paths.len() > 50, "git must list the tree");
    let report: Vec<String> = RULES
        .iter()
        .flat_map(|rule| (rule.check)(&tree).into_iter().map(move |violation| (rule, violation)))
        .map(|(rule, Violation { path, line, message })| format!("{path}:{line}: {message} [{}]", rule.name))
        .collect();
    assert!(report.is_empty(), "\n{}\n", report.join("\n"));
}

#[test]
fn every_rule_finds_each_defect_planted_for_it() {
    for rule in RULES {
        assert!(!rule.defects.is_empty(), "{}: a rule without a planted defect may be asleep", rule.name);
        for defect in rule.defects {
            let found = (rule.check)(&Tree::of(defect));
            assert!(!found.is_empty(), "{} does not find {defect:?}", rule.name);
        }
    }
}

#[test]
fn no_rule_cries_at_what_is_allowed() {
    for rule in RULES {
        let found = (rule.check)(&Tree::of(rule.allowed));
        assert_eq!(found, [], "{}", rule.name);
    }
}
