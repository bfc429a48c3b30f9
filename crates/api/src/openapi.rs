//! The description of the HTTP API, made of the requests and replies with their comments.
//!
//! The description lies in `openapi.json`, so that no program pays for making it. The test compares, and with
//! `UPDATE_OPENAPI=1` writes the file anew.

use std::path::Path;

use schemars::JsonSchema;
use schemars::generate::{Contract, SchemaSettings};
use serde_json::{Map, Value, json};

use crate::wire::tests::requests;
use crate::{AdminReply, AdminRequest, OPENAPI, TokenScope};

/// Where the schemas of types stand in the description.
const TYPES: &str = "/components/schemas";

/// A type with variants: the schema of each, and the types that they name.
struct Variants {
    variants: Vec<Value>,
    types: Map<String, Value>,
}

impl Variants {
    fn of<T: JsonSchema>(contract: Contract) -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = TYPES.into();
            settings.meta_schema = None;
            settings.contract = contract;
        });
        let mut generator = settings.into_generator();
        let schema = T::json_schema(&mut generator).to_value();
        let variants = schema["oneOf"].as_array().unwrap().clone();
        Variants { variants, types: generator.take_definitions(true) }
    }

    /// The schema of the variant whose `tag` is `kind`, without the tag.
    fn without_tag(&self, tag: &str, kind: &str) -> Map<String, Value> {
        let is_kind = |variant: &&Value| variant["properties"][tag]["const"] == kind;
        let found = self.variants.iter().find(is_kind);
        let found = found.unwrap_or_else(|| panic!("no variant {kind}: {:#?}", self.variants));
        let mut variant = found.as_object().unwrap().clone();
        let properties = variant["properties"].as_object_mut().unwrap();
        properties.remove(tag);
        if let Some(required) = variant.get_mut("required").and_then(Value::as_array_mut) {
            required.retain(|name| name != tag);
        }
        variant
    }
}

fn description() -> Value {
    let asked = Variants::of::<AdminRequest>(Contract::Deserialize);
    let told = Variants::of::<AdminReply>(Contract::Serialize);
    let mut paths = Map::new();
    for request in requests() {
        let line: Value = serde_json::from_str(&request.to_line()).unwrap();
        let kind = line["do"].as_str().unwrap();
        if let Some(scope) = request.scope() {
            paths.insert(format!("/api/v1/{kind}"), path(kind, scope, &asked, &told));
        }
    }
    let mut types = asked.types;
    types.extend(told.types);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Zoners",
            "version": crate::VERSION.to_string(),
            "description": "The administration of a running Zoners. A program shows a token of `zoners token create`; each scope \
                            (read, policy, admin) has the requests of the scopes before. A request that changes the server \
                            takes POST alone; another method gets 405. The names of fields end in their unit: `_ms` \
                            milliseconds, `_s` seconds, `_bytes` octets.",
        },
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": types,
        },
    })
}

fn path(kind: &str, scope: TokenScope, asked: &Variants, told: &Variants) -> Value {
    let mut fields = asked.without_tag("do", kind);
    let summary = fields.remove("description").unwrap_or_default();
    let answer = |description: &str, of_reply: &str| {
        let schema = reply(of_reply, told);
        json!({ "description": description, "content": { "application/json": { "schema": schema } } })
    };
    let answers = json!({
        "200": answer("The reply.", reply_kind(kind)),
        "400": answer("The request is wrong.", "error"),
        "401": { "description": "There is no such token.", "content": { "text/plain": {} } },
        "403": answer("The scope of the token is too small.", "error"),
        "500": answer("The daemon cannot do what the request asks for.", "error"),
    });
    let mut methods = Map::new();
    if scope == TokenScope::Read {
        let parameters = parameters(&fields);
        let get = json!({ "summary": summary, "x-scope": scope.name(), "parameters": parameters, "responses": answers });
        methods.insert("get".into(), get);
    }
    let body = json!({ "content": { "application/json": { "schema": fields } } });
    let post = json!({ "summary": summary, "x-scope": scope.name(), "requestBody": body, "responses": answers });
    methods.insert("post".into(), post);
    Value::Object(methods)
}

/// The schema of a reply with the version and the kind, as on the wire.
fn reply(kind: &str, told: &Variants) -> Map<String, Value> {
    let mut reply = told.without_tag("reply", kind);
    let properties = reply["properties"].as_object_mut().unwrap();
    properties.insert("version".into(), json!({ "const": crate::VERSION }));
    properties.insert("reply".into(), json!({ "const": kind }));
    let required = reply.entry("required").or_insert_with(|| json!([]));
    required.as_array_mut().unwrap().extend(["version", "reply"].map(Value::from));
    reply
}

/// The reply to a request: of the same name, but for two requests about lists.
fn reply_kind(kind: &str) -> &str {
    match kind {
        "policy-update" | "policy-accept" => "policy-lists",
        kind => kind,
    }
}

/// The fields of a request as parameters of an address.
fn parameters(fields: &Map<String, Value>) -> Vec<Value> {
    let empty = Map::new();
    let properties = fields["properties"].as_object().unwrap_or(&empty);
    let required = fields.get("required").and_then(Value::as_array);
    let parameter = |(name, schema): (&String, &Value)| {
        let mut schema = schema.clone();
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let is_required = required.is_some_and(|required| required.contains(&json!(name)));
        let description = description.unwrap_or_default();
        json!({ "name": name, "in": "query", "required": is_required, "description": description, "schema": schema })
    };
    properties.iter().map(parameter).collect()
}

/// The description with a line for each path and each type, so that a change is seen.
fn in_lines(description: &Value) -> String {
    let block = |object: &Value| {
        let entries = object.as_object().unwrap().iter();
        let lines: Vec<String> =
            entries.map(|(key, value)| format!("{}: {value}", json!(key))).collect();
        format!("{{\n{}\n}}", lines.join(",\n"))
    };
    let top = description.as_object().unwrap().iter().map(|(key, value)| {
        let value = match key.as_str() {
            "paths" => block(value),
            "components" => {
                let security = &value["securitySchemes"];
                format!(
                    "{{\n\"securitySchemes\": {security},\n\"schemas\": {}\n}}",
                    block(&value["schemas"])
                )
            }
            _ => value.to_string(),
        };
        format!("{}: {value}", json!(key))
    });
    format!("{{\n{}\n}}\n", top.collect::<Vec<_>>().join(",\n"))
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test writes the file of the crate at a person's word"
)]
fn the_description_is_that_of_the_types() {
    let made = description();
    let text = in_lines(&made);
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), made);
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
        return std::fs::write(file, text).unwrap();
    }
    let kept: Value = serde_json::from_str(OPENAPI).unwrap();
    assert!(
        kept == made,
        "openapi.json is old: run UPDATE_OPENAPI=1 cargo test -p zoners-api openapi"
    );
}

#[test]
fn every_request_is_described_or_is_for_the_control_socket_alone() {
    let kept: Value = serde_json::from_str(OPENAPI).unwrap();
    let mut described = 0;
    for request in requests() {
        let line: Value = serde_json::from_str(&request.to_line()).unwrap();
        let path = format!("/api/v1/{}", line["do"].as_str().unwrap());
        let methods = kept["paths"].get(&path);
        assert_eq!(methods.is_some(), request.scope().is_some(), "{path}");
        described += usize::from(methods.is_some());
    }
    assert_eq!(kept["paths"].as_object().unwrap().len(), described);
}
