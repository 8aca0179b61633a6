//! The OpenAPI document.

use crate::support::{node, valid};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((path.clone(), method.clone(), operation));
        }
    }
    all
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                found.insert(reference.clone());
            }
            members
                .values()
                .for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn the_document_is_openapi_3_1_and_whole() {
    let node = node();
    let document = node.document();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["title"], "Truceline");
    assert_eq!(
        document["info"]["license"],
        json!({"name": "Apache-2.0", "identifier": "Apache-2.0"})
    );
    let mut found = BTreeSet::new();
    references(document, &mut found);
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("references stay inside");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let schemes = document["components"]["securitySchemes"]
        .as_object()
        .unwrap();
    assert_eq!(schemes.keys().collect::<Vec<_>>(), ["session", "token"]);
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(document) {
        let id = operation["operationId"]
            .as_str()
            .unwrap_or_else(|| panic!("{method} {path} has no id"));
        assert!(ids.insert(id), "{id} stands there twice");
        assert!(
            operation["summary"].is_string() && operation["tags"].is_array(),
            "{id}"
        );
        for scheme in operation["security"]
            .as_array()
            .unwrap_or_else(|| panic!("{id} says nothing of security"))
        {
            assert!(
                scheme
                    .as_object()
                    .unwrap()
                    .keys()
                    .all(|name| schemes.contains_key(name)),
                "{id}"
            );
        }
    }
}

#[test]
fn every_operation_names_its_good_answer_and_every_error_is_a_problem() {
    let node = node();
    let document = node.document();
    for (path, method, operation) in operations(document) {
        let responses = operation["responses"].as_object().unwrap();
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{method} {path}"
        );
        for status in ["400", "414", "431", "500", "503"] {
            assert!(responses.contains_key(status), "{method} {path} {status}");
        }
        assert_eq!(
            operation.get("requestBody").is_some(),
            responses.contains_key("415"),
            "{method} {path}"
        );
        assert_eq!(
            path.contains('{'),
            responses.contains_key("404") && path.contains('{'),
            "{method} {path}"
        );
        assert!(
            method == "get" || responses.contains_key("403"),
            "{method} {path}"
        );
        for (status, response) in responses
            .iter()
            .filter(|(status, _)| *status >= &"400".to_owned())
        {
            let problem = &response["content"]["application/problem+json"]["schema"];
            assert_eq!(
                problem,
                &json!({"$ref": "#/components/schemas/Problem"}),
                "{method} {path} {status}"
            );
            assert!(
                response["description"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{method} {path} {status}"
            );
        }
    }
}

#[test]
fn the_schemas_of_bodies_refuse_what_the_readers_refuse() {
    let node = node();
    let document = node.document();
    for (path, method, operation) in operations(document) {
        let Some(body) = operation.get("requestBody") else {
            continue;
        };
        assert_eq!(body["required"], true, "{method} {path}");
        let schema = &body["content"]["application/json"]["schema"];
        assert!(
            !valid(document, schema, &json!({"no such member": 1})),
            "{method} {path}: unknown members are allowed"
        );
        assert!(!valid(document, schema, &json!([])), "{method} {path}");
    }
    let schema = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    for (name, value, good) in [
        ("SignIn", json!({"name": "a", "password": "b"}), true),
        ("SignIn", json!({"name": "", "password": "b"}), false),
        ("SignIn", json!({"name": "a\n", "password": "b"}), false),
        (
            "MakeToken",
            json!({"label": "a", "scopes": ["read"], "days": 366}),
            true,
        ),
        (
            "MakeToken",
            json!({"label": "a", "scopes": ["read"], "days": 367}),
            false,
        ),
        (
            "MakeToken",
            json!({"label": "  ", "scopes": ["read"]}),
            false,
        ),
        ("MakeToken", json!({"label": "a", "scopes": []}), false),
        (
            "MakeToken",
            json!({"label": "a", "scopes": ["read", "read"]}),
            false,
        ),
        (
            "MakeToken",
            json!({"label": "a", "scopes": ["write"]}),
            false,
        ),
        (
            "AlterAccount",
            json!({"offices": ["auditor"], "languages": ["sr-Latn"], "disabled": null}),
            true,
        ),
        (
            "AlterAccount",
            json!({"languages": ["arabic language"]}),
            false,
        ),
        (
            "Accept",
            json!({"code": "inv", "name": "ольга", "password": "four horses in a field"}),
            true,
        ),
        (
            "Accept",
            json!({"code": "inv", "name": "a b", "password": "four horses in a field"}),
            false,
        ),
        (
            "Accept",
            json!({"code": "inv", "name": null, "password": "short"}),
            false,
        ),
    ] {
        assert_eq!(
            valid(document, &schema(name), &value),
            good,
            "{name} {value}"
        );
    }
}

#[test]
fn every_route_of_the_router_is_in_the_document() {
    let node = node();
    let router = node::http::routes(&node.app, node::http::Routes::default());
    let printed = format!("{router:?}");
    let documented: BTreeSet<String> = operations(node.document())
        .into_iter()
        .map(|(path, ..)| path)
        .collect();
    // The router prints its addresses as `RouteId(7): "/api/v1/session"`.
    let routed: BTreeSet<String> = printed
        .split("RouteId(")
        .filter_map(|part| part.split_once("): \"")?.1.split_once('"'))
        .map(|(path, _)| path.to_owned())
        .filter(|path| path.starts_with('/'))
        .collect();
    assert!(
        routed.len() > 15,
        "the router prints its addresses otherwise now: {printed}"
    );
    let undocumented: Vec<_> = routed
        .difference(&documented)
        .filter(|path| *path != "/" && !path.contains("__private"))
        .collect();
    assert!(undocumented.is_empty(), "{undocumented:?}");
    assert_eq!(documented.difference(&routed).count(), 0);
}
