//! The document says what is there, and nothing else.

use std::collections::BTreeSet;

use link_service::api::json::body::{
    AckBody, LinkTypeName, PriorityBody, PriorityName, RequestBody, RequestHeader,
};
use serde_json::{Value, json};

use crate::rig::Rig;

const ROUTES: &str = include_str!("../../src/api/json/routes.rs");

fn document() -> Value {
    let document = Rig::new().at("camera").get("/v1/openapi.json");
    assert_eq!(document.status, 200);
    document.body
}

fn keys(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn each_path_of_the_service_is_in_it_and_each_of_it_is_served() {
    let document = document();
    let routes = ROUTES.split(".route(").skip(1);
    let routes = routes.map(|route| route.split('"').nth(1).unwrap().to_owned());
    assert_eq!(keys(&document["paths"]), routes.collect());
    let rig = Rig::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in keys(methods) {
            let path = path.replace("{id}", "0000000000000007");
            let answer = rig.at("camera").ask(&method.to_uppercase(), &path, "");
            let answer = answer.unwrap();
            assert_ne!(answer.status, 405, "{method} {path}");
            let documented = &methods[&method]["responses"][answer.status.to_string()];
            let text = format!("{method} {path}: {}", answer.status);
            assert!(documented.is_object(), "{text}");
            let schema = &documented["content"]["application/json"]["schema"];
            check(&document, schema, &answer.body, &text);
        }
    }
}

#[test]
fn each_field_of_a_request_is_in_it() {
    let document = document();
    let all = RequestBody {
        request_header: Some(RequestHeader {
            tracking_id: Some(String::new()),
            correlation_id: Some(String::new()),
            app_id: Some(String::new()),
            metadata: Some([("k".to_owned(), "v".to_owned())].into()),
        }),
        link_type: Some(LinkTypeName::App2App),
        priority: Some(PriorityName::Low),
        file_name: Some(String::new()),
        file_names: Some(vec![String::new()]),
        subdirectory: Some(String::new()),
        destination_app_id: Some(String::new()),
        destination_app_ids: Some(vec![String::new()]),
        overwrite: Some(true),
        leave_source_file: Some(true),
        expiration_time: Some(String::new()),
        expires_in_seconds: Some(1),
    };
    let ack = AckBody { remove: Some(true) };
    let priority = PriorityBody {
        priority: PriorityName::High,
    };
    let schemas = &document["components"]["schemas"];
    let all = serde_json::to_value(all).unwrap();
    for (name, value) in [
        ("EchoedRequest", all.clone()),
        ("LinkRequest", all),
        ("Acknowledge", serde_json::to_value(ack).unwrap()),
        ("Priority", serde_json::to_value(priority).unwrap()),
    ] {
        assert_eq!(keys(&schemas[name]["properties"]), keys(&value), "{name}");
        check(&document, &schemas[name], &value, name);
    }
}

#[test]
fn each_field_of_an_answer_is_in_it() {
    let document = document();
    // Nothing runs yet, so that the first answer is of a request that stands.
    let rig = Rig::new();
    rig.put("image.raw", b"an image");
    let camera = rig.at("camera");
    let request = json!({"fileName": "image.raw", "destinationAppId": "analyser"});
    let accepted = camera.post("/v1/links", &request).body;
    let rig = rig.run();
    let id = accepted["id"].as_str().unwrap();
    let ended = camera.get(&format!("/v1/links/{id}?waitSeconds=60")).body;
    let refused = camera.post("/v1/links", &json!({})).body;
    let mut of_link = BTreeSet::new();
    for answer in [&accepted, &ended, &refused] {
        check_named(&document, "LinkResponse", answer);
        of_link.extend(keys(answer));
    }
    let schemas = &document["components"]["schemas"];
    assert_eq!(keys(&schemas["LinkResponse"]["properties"]), of_link);
    let inbox = rig.at("analyser").get("/v1/inbox").body;
    check_named(&document, "Deliveries", &inbox);
    let delivery = &inbox["deliveries"][0];
    assert_eq!(keys(&schemas["Delivery"]["properties"]), keys(delivery));
    let file = &delivery["files"][0];
    assert_eq!(keys(&schemas["File"]["properties"]), keys(file));
    check_named(&document, "Links", &camera.get("/v1/links").body);
    check_named(
        &document,
        "Directories",
        &camera.get("/v1/directories").body,
    );
}

#[track_caller]
fn check_named(document: &Value, name: &str, value: &Value) {
    check(
        document,
        &document["components"]["schemas"][name],
        value,
        name,
    );
}

/// Whether a value is as a schema says; each description is there.
#[track_caller]
fn check(document: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        let schema = &document["components"]["schemas"][name];
        assert!(schema["description"].is_string(), "{name}");
        return check(document, schema, value, name);
    }
    if let Some(schemas) = schema["oneOf"].as_array() {
        let (schema, null) = (&schemas[0], &schemas[1]);
        assert_eq!(null["type"], "null", "{place}");
        return match value {
            Value::Null => {}
            value => check(document, schema, value, place),
        };
    }
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{place}: {value}");
    }
    let fits = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        kind => panic!("{place}: {kind}"),
    };
    let is_of_kind = match &schema["type"] {
        Value::String(kind) => fits(kind),
        kinds => kinds
            .as_array()
            .unwrap()
            .iter()
            .any(|kind| fits(kind.as_str().unwrap())),
    };
    assert!(is_of_kind, "{place}: {value}");
    for value in value.as_array().into_iter().flatten() {
        check(document, &schema["items"], value, place);
    }
    if let Some(required) = schema["required"].as_array() {
        for key in required {
            assert!(
                !value[key.as_str().unwrap()].is_null() || key == "next",
                "{place}: {key}"
            );
        }
    }
    if let (Some(fields), Some(known)) = (value.as_object(), schema["properties"].as_object()) {
        for (key, value) in fields {
            let schema = known.get(key).unwrap_or_else(|| panic!("{place}: {key}"));
            let is_described = schema["description"].is_string() || schema["$ref"].is_string();
            assert!(is_described, "{place}: {key}");
            check(document, schema, value, key);
        }
    }
}
