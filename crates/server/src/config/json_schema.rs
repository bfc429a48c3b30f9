//! The JSON Schema of the configuration, for editors. Types, words and bounds are the answers of the parser; the
//! descriptions, defaults and examples are those of the example configuration.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::allowed::{is_list, keys};
use super::example::{ExamplePart, example_parts};
use super::probe::{KeyProbe, Place, required};
use super::words::TABLES;
use super::written::EXAMPLE;

/// The version of JSON Schema that editors know for TOML.
const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

/// The schema. Old names of keys are no part of it.
#[must_use]
pub fn json_schema() -> Value {
    let texts = ExampleTexts::read(EXAMPLE);
    let mut schema = table(&[], &texts);
    schema.insert("$schema".to_owned(), json!(DRAFT));
    schema.insert("title".to_owned(), json!("zoners.toml"));
    Value::Object(schema)
}

/// What the example configuration says about tables and keys, by path.
#[derive(Default)]
struct ExampleTexts {
    prose: BTreeMap<String, Vec<String>>,
    values: BTreeMap<String, Vec<toml::Value>>,
    defaults: toml::Table,
}

impl ExampleTexts {
    fn read(example: &str) -> Self {
        let defaults = example.parse().unwrap_or_default();
        let mut texts = ExampleTexts { defaults, ..ExampleTexts::default() };
        let mut of_table = String::new();
        for part in example_parts(example) {
            match part {
                ExamplePart::Table { header, prose } => {
                    of_table = header.trim_matches(['[', ']']).to_owned();
                    texts.add_prose(&of_table, &prose.join(" "));
                }
                ExamplePart::Settings { lines, prose } if lines.is_empty() => {
                    texts.add_prose(&of_table, &prose.join(" "));
                }
                ExamplePart::Settings { lines, prose } => {
                    texts.add_settings(&of_table, &lines, &prose.join(" "));
                }
            }
        }
        texts.copy("forward", "stub");
        texts
    }

    /// Explains keys of a table as the same keys of another table, where the example does not.
    fn copy(&mut self, from: &str, to: &str) {
        let copied = |path: &String| path.strip_prefix(from).map(|key| format!("{to}{key}"));
        let prose = self.prose.clone().into_iter();
        for (path, texts) in prose.filter_map(|(path, texts)| Some((copied(&path)?, texts))) {
            self.prose.entry(path).or_insert(texts);
        }
        let values = self.values.clone().into_iter();
        for (path, examples) in values.filter_map(|(path, some)| Some((copied(&path)?, some))) {
            self.values.entry(path).or_insert(examples);
        }
    }

    fn add_settings(&mut self, of_table: &str, lines: &[&str], prose: &str) {
        let settings: toml::Table = lines.join("\n").parse().unwrap_or_default();
        for (key, value) in settings {
            let path = format!("{of_table}.{key}");
            self.add_prose(&path, prose);
            let line = lines.iter().find(|line| line.starts_with(&format!("{key} = ")));
            let remark = line.and_then(|line| line.split_once("  #")).map_or("", |(_, text)| text);
            self.add_prose(&path, remark.trim());
            self.values.entry(path).or_default().push(value);
        }
    }

    fn add_prose(&mut self, path: &str, prose: &str) {
        if !prose.is_empty() {
            self.prose.entry(path.to_owned()).or_default().push(prose.to_owned());
        }
    }

    fn description(&self, path: &str) -> Option<String> {
        self.prose.get(path).map(|paragraphs| paragraphs.join("\n\n"))
    }

    fn default_of(&self, path: &str) -> Option<&toml::Value> {
        let mut steps = path.split('.');
        let mut value = self.defaults.get(steps.next()?)?;
        for step in steps {
            value = value.get(step)?;
        }
        Some(value)
    }

    /// A line with the first value of a key.
    fn line(&self, of_table: &str, key: &str) -> Option<String> {
        let value = self.values.get(&format!("{of_table}.{key}"))?.first()?;
        Some(format!("{key} = {value}\n"))
    }
}

fn table(tables: &[String], texts: &ExampleTexts) -> Map<String, Value> {
    let of_table = tables.join(".");
    let mut properties = Map::new();
    for key in keys(tables) {
        let path = [tables, std::slice::from_ref(&key)].concat();
        let property = match TABLES.contains(&path.join(".").as_str()) {
            true if is_list(&path) => json!({ "type": "array", "items": table(&path, texts) }),
            true => Value::Object(table(&path, texts)),
            false => Value::Object(setting(tables, &key, texts)),
        };
        properties.insert(key, property);
    }
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.extend(texts.description(&of_table).map(|text| ("description".to_owned(), json!(text))));
    let required = required(tables, |key| texts.line(&of_table, key));
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema
}

fn setting(tables: &[String], key: &str, texts: &ExampleTexts) -> Map<String, Value> {
    let path = format!("{}.{key}", tables.join("."));
    let probe = KeyProbe { tables, key };
    let mut schema = value(&probe, Place::Key);
    if probe.types(Place::Key).contains(&"array") {
        schema.insert("items".to_owned(), Value::Object(value(&probe, Place::Item)));
    }
    let place =
        if probe.types(Place::Key) == ["array"] { "Each item is " } else { "The value is " };
    let of_item = probe.allowed(Place::Item).filter(|_| place.starts_with("Each"));
    let allowed = of_item.or_else(|| probe.allowed(Place::Key));
    let allowed = allowed.map(|allowed| format!("{place}{allowed}."));
    let description: Vec<String> = texts.description(&path).into_iter().chain(allowed).collect();
    schema.insert("description".to_owned(), json!(description.join("\n\n")));
    schema.extend(texts.default_of(&path).map(|value| ("default".to_owned(), json!(value))));
    schema.extend(texts.values.get(&path).map(|values| ("examples".to_owned(), json!(values))));
    schema
}

fn value(probe: &KeyProbe<'_>, place: Place) -> Map<String, Value> {
    let types = probe.types(place);
    let mut schema = Map::new();
    let written = if let [one] = *types { json!(one) } else { json!(types) };
    schema.insert("type".to_owned(), written);
    if types == ["string"] {
        schema.extend(probe.words(place).map(|words| ("enum".to_owned(), json!(words))));
    }
    if types.contains(&"integer") {
        let (least, most) = probe.bounds(place);
        schema.extend(least.map(|least| ("minimum".to_owned(), json!(least))));
        schema.extend(most.map(|most| ("maximum".to_owned(), json!(most))));
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    /// A setting, by path.
    fn at<'a>(schema: &'a Value, path: &str) -> &'a Value {
        path.split('.').fold(schema, |schema, step| {
            let schema = schema.get("items").unwrap_or(schema);
            &schema["properties"][step]
        })
    }

    #[test]
    fn types_words_and_bounds_are_those_of_the_parser() {
        let schema = json_schema();
        for (path, expected) in [
            ("server.threads", json!({ "type": "integer", "minimum": 1, "maximum": 256 })),
            ("server.refuse", json!({ "type": "string", "enum": ["refused", "drop"] })),
            ("server.http-metrics", json!({ "type": "boolean" })),
            ("cache.size", json!({ "type": ["integer", "string"], "minimum": 1 << 20 })),
            (
                "cache.persist-every",
                json!({ "type": ["integer", "string"], "minimum": 0, "maximum": 86_400 }),
            ),
            (
                "timeouts.query",
                json!({ "type": ["integer", "string"], "minimum": 1, "maximum": 60 }),
            ),
            ("policy.list.action", json!({ "type": "string", "enum": ["block", "allow"] })),
            (
                "dnstap.messages",
                json!({ "type": "array", "items": { "type": "string", "enum": ["client", "resolver"] } }),
            ),
            (
                "cache.redis.url",
                json!({ "type": ["string", "array"], "items": { "type": "string" } }),
            ),
            ("forward.servers", json!({ "type": "array", "items": { "type": "string" } })),
        ] {
            let mut setting = at(&schema, path).clone();
            let fields = setting.as_object_mut().unwrap();
            fields.retain(|name, _| !["description", "default", "examples"].contains(&&**name));
            assert_eq!(setting, expected, "{path}");
        }
        let required = |path: &str| at(&schema, path)["items"]["required"].clone();
        assert_eq!(required("forward"), json!(["zone", "servers"]));
        assert_eq!(required("policy.group.schedule"), json!(["name"]));
        assert_eq!(at(&schema, "cache.redis")["required"], json!(["url"]));
        assert_eq!(at(&schema, "server")["additionalProperties"], json!(false));
    }

    #[test]
    fn every_key_is_described_and_its_examples_are_accepted() {
        let schema = json_schema();
        for table in TABLES {
            let tables: Vec<String> = table.split('.').map(str::to_owned).collect();
            for key in keys(&tables) {
                let path = format!("{table}.{key}");
                if TABLES.contains(&path.as_str()) {
                    continue;
                }
                let setting = at(&schema, &path);
                let types = &setting["type"];
                assert!(types.is_string() || !types.as_array().unwrap().is_empty(), "{path}");
                let text = setting["description"].as_str().unwrap_or_default();
                assert!(text.len() > 10, "{path}: {text:?}");
                let probe = KeyProbe { tables: &tables, key: &key };
                let examples = setting["examples"].as_array();
                assert!(examples.is_some() || *table == "local.special-use", "{path}");
                for example in examples.into_iter().flatten() {
                    let value: toml::Value = serde_json::from_value(example.clone()).unwrap();
                    assert_eq!(probe.fault(Place::Key, &value.to_string()), None, "{path}");
                }
            }
        }
    }

    #[test]
    fn defaults_are_those_of_an_empty_file() {
        let schema = json_schema();
        assert_eq!(at(&schema, "server.threads")["default"], json!(1));
        assert_eq!(at(&schema, "cache.size")["default"], json!("128MiB"));
        assert_eq!(at(&schema, "server.user").get("default"), None);
        assert_eq!(Config::default().server.threads, 1);
    }
}
