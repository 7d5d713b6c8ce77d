//! The description of the API as the service prints it, with examples that exist in the town, and with planted lies.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use town::{process, programs::program};

use crate::scene::Examples;

/// A lie that is planted: the operation, and what schemathesis calls it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lie {
    /// Method and path.
    pub(crate) operation: &'static str,
    /// The type of failure in the report.
    pub(crate) found_as: &'static str,
    /// Where in the description ...
    pointer: &'static str,
    /// ... something else stands, or nothing.
    instead: Option<fn() -> Value>,
}

/// One lie for each thing that is looked at and that a service which works can be caught at.
pub(crate) const LIES: [Lie; 3] = [
    Lie {
        operation: "GET /healthz",
        found_as: "JsonSchemaError",
        pointer: "/components/schemas/Health/properties/version",
        instead: Some(|| json!({"type": "integer"})),
    },
    Lie {
        operation: "GET /v1/cards/{card_id}",
        found_as: "UndefinedStatusCode",
        pointer: "/paths/~1v1~1cards~1{card_id}/get/responses/404",
        instead: None,
    },
    Lie {
        operation: "GET /checkpoint",
        found_as: "UndefinedContentType",
        pointer: "/paths/~1checkpoint/get/responses/200/content",
        instead: Some(|| json!({"application/json": {"schema": {"type": "string"}}})),
    },
];

/// What `card-service openapi` prints.
pub(crate) fn described() -> Result<Value> {
    let output = process::run(process::tethered(program("card-service")?).arg("openapi"))?;
    serde_json::from_slice(&output.stdout).context("the description is JSON")
}

/// Adds an example to each parameter and body that has one.
pub(crate) fn with_examples(mut document: Value, examples: &Examples) -> Result<Value> {
    let paths = document["paths"].as_object_mut().context("the description has paths")?;
    for operation in paths.values_mut().filter_map(Value::as_object_mut).flat_map(|item| item.values_mut()) {
        for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
            let named = examples.parameters.iter().find(|(name, _)| parameter["name"] == *name);
            if let Some((_, example)) = named {
                parameter["example"] = example.clone();
            }
        }
    }
    for (method, path, example) in &examples.bodies {
        let operation = document["paths"].get_mut(path).and_then(|item| item.get_mut(method));
        let operation = operation.with_context(|| format!("{method} {path} is not described"))?;
        operation["requestBody"]["content"]["application/json"]["example"] = example.clone();
    }
    Ok(document)
}

/// Plants every lie.
pub(crate) fn with_lies(mut document: Value) -> Result<Value> {
    for lie in LIES {
        let (parent, name) = lie.pointer.rsplit_once('/').context("a pointer has a parent")?;
        let parent = document.pointer_mut(parent).and_then(Value::as_object_mut);
        let parent = parent.with_context(|| format!("{} is not described", lie.pointer))?;
        let truth = match lie.instead {
            Some(instead) => parent.insert(name.to_owned(), instead()),
            None => parent.remove(name),
        };
        truth.with_context(|| format!("{} is not described", lie.pointer))?;
    }
    Ok(document)
}
