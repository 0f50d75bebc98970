//! Reading: nojson's parser, and a tree of what it found.

use nojson::{JsonValueKind, RawJson, RawJsonValue};

use super::Value;

/// Nesting is bounded by the parser, and so is the depth of this.
pub(super) fn read(json: &str) -> Option<Value<'_>> {
    tree(RawJson::parse(json).ok()?.value())
}

fn tree<'a>(json: RawJsonValue<'a, '_>) -> Option<Value<'a>> {
    Some(match json.kind() {
        JsonValueKind::Null => Value::Null,
        JsonValueKind::Boolean => Value::Bool(json.as_raw_str() == "true"),
        JsonValueKind::Integer | JsonValueKind::Float => Value::Number(json.as_raw_str()),
        JsonValueKind::String => Value::Text(text(json)?),
        JsonValueKind::Array => {
            Value::Array(json.to_array().ok()?.map(tree).collect::<Option<_>>()?)
        }
        JsonValueKind::Object => {
            let fields =
                json.to_object().ok()?.map(|(name, value)| Some((text(name)?, tree(value)?)));
            Value::Object(fields.collect::<Option<_>>()?)
        }
    })
}

fn text(json: RawJsonValue<'_, '_>) -> Option<String> {
    Some(json.to_unquoted_string_str().ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What another implementation reads.
    fn is_theirs(ours: &Value<'_>, theirs: &serde_json::Value) -> bool {
        use serde_json::Value as Theirs;
        match (ours, theirs) {
            (Value::Null, Theirs::Null) => true,
            (Value::Bool(a), Theirs::Bool(b)) => a == b,
            (Value::Text(a), Theirs::String(b)) => a == b,
            (Value::Number(a), Theirs::Number(b)) => {
                if let Some(n) = b.as_u64() {
                    return a.parse() == Ok(n);
                }
                let (a, b): (f64, f64) = (a.parse().unwrap(), b.as_f64().unwrap());
                // It reads fractions in a hurry, and may miss the last bits.
                (a - b).abs() <= 4.0 * f64::EPSILON * b.abs()
            }
            (Value::Array(a), Theirs::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_theirs(a, b))
            }
            (Value::Object(a), Theirs::Object(b)) => b.iter().all(|(name, b)| {
                // The last of a name is theirs.
                a.iter().rfind(|(key, _)| key == name).is_some_and(|(_, a)| is_theirs(a, b))
            }),
            _ => false,
        }
    }

    fn check(json: &str) {
        match (read(json), serde_json::from_str::<serde_json::Value>(json)) {
            (Some(ours), Ok(theirs)) => assert!(is_theirs(&ours, &theirs), "{json}: {ours:?}"),
            (None, Err(_)) => {}
            // It refuses numbers that a double does not hold.
            (Some(_), Err(error)) if error.to_string().contains("out of range") => {}
            (ours, theirs) => panic!("{json}: {ours:?}, {theirs:?}"),
        }
    }

    #[test]
    fn it_reads_and_refuses_what_another_does() {
        for json in [
            "",
            " ",
            "null",
            " null ",
            "nul",
            "nulls",
            "True",
            "true false",
            "\u{feff}null",
            "0",
            "-0",
            "-",
            "00",
            "-01",
            "1.",
            ".1",
            "1.5",
            "1e",
            "1e+",
            "1E-07",
            "+1",
            "0x1",
            "1e999",
            "18446744073709551615",
            "18446744073709551616",
            "-9223372036854775809",
            "NaN",
            r#""""#,
            r#"""#,
            r#""a"#,
            r#""\"\\\/\b\f\n\r\t""#,
            r#""\x""#,
            r#""\"#,
            "\"a\nb\"",
            "\"\u{7f}é漢😀\"",
            r#""\u00e9\u0000""#,
            r#""\ud83d\ude00""#,
            r#""\ud83d""#,
            r#""\ude00""#,
            r#""\ud83dx""#,
            r#""\ud83d\u0041""#,
            r#""\u+041""#,
            r#""\u12""#,
            r#""\ué1""#,
            "[]",
            "[ ]",
            "[1]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1",
            "]",
            "[[],{}]",
            "{}",
            "{ }",
            "{,}",
            r#"{"a":1}"#,
            r#"{"a":1,}"#,
            r#"{"a" : [1 , 2] , "b":{}}"#,
            r#"{"a"}"#,
            "{1:2}",
            r#"{"a":1 "b":2}"#,
            r#"{"a":1,"a":2}"#,
            "{\"a\":1}\n",
            "<html>",
        ] {
            check(json);
        }
    }

    #[test]
    fn what_is_nested_too_deep_is_refused() {
        let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(read(&nested(128)).is_some() && read(&nested(129)).is_none());
        assert!(read(&"[".repeat(1_000_000)).is_none());
    }

    proptest! {
        #[test]
        fn any_value_is_read_as_another_reads_it(json in json()) {
            check(&json);
        }

        #[test]
        fn any_damage_is_found_where_another_finds_it(
            json in json(),
            at in any::<proptest::sample::Index>(),
            instead in prop::sample::select(vec!['"', '\\', '{', ']', ',', ':', '0', '-', '.', 'e', 'u', ' ', '\u{1}']),
        ) {
            let mut chars: Vec<char> = json.chars().collect();
            let at = at.index(chars.len());
            chars[at] = instead;
            check(&chars.into_iter().collect::<String>());
        }
    }

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<u64>().prop_map(Into::into),
            any::<i32>().prop_map(Into::into),
            "\\PC{0,8}".prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        let value = leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::vec((any::<String>(), inner), 0..4)
                    .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
            ]
        });
        value.prop_map(|value| value.to_string())
    }
}
