//! Values, times and answers of Plimsoll's own format, with the verdicts that
//! depend on how they are read.

use super::*;
use crate::history::verdict::Verdict;
use crate::history::{self, ModelName};

fn read_own(text: &str) -> Result<Read, Error> {
    match read_bytes("test", text.into(), Options::default(), &Limits::default()) {
        Ok(read) => {
            assert_eq!(read.history.broken_rule(), None, "{text}");
            Ok(read)
        }
        Err(Stopped::Error(error)) => Err(error),
        Err(Stopped::Limit { ground, .. }) => panic!("{ground:?}"),
    }
}

#[track_caller]
fn judged(text: &str) -> bool {
    let read = read_own(text).unwrap_or_else(|error| panic!("{error}"));
    let model = ModelName::of(&read.history).expect("of a model");
    let options = history::Options::default();
    let judged = history::judge(&read.history, model, &options).expect("of this model");
    match judged.verdict {
        Verdict::Linearizable => true,
        Verdict::NotLinearizable(_) => false,
        Verdict::Inconclusive(grounds) => panic!("{grounds:?}"),
    }
}

#[track_caller]
fn refused(text: &str, line: u64, why: &str) {
    let Err(error) = read_own(text) else {
        panic!("it is read, and should be refused: {why}");
    };
    assert_eq!(error.line, line, "{error}");
    assert!(error.to_string().contains(why), "{error}");
}

/// Calls and returns of one client, one after the other: what stands in each
/// pair of lines behind the client and the operation.
fn in_turn(all: &[(&str, &str, &str)]) -> String {
    let pairs = all.iter().map(|(op, asked, answered)| {
        let line = |phase: &str, rest: &str| {
            let comma = if rest.is_empty() { "" } else { "," };
            format!("{{\"client\":1,\"type\":\"{phase}\",\"op\":\"{op}\"{comma}{rest}}}\n")
        };
        line("invoke", asked) + &line("ok", answered)
    });
    pairs.collect()
}

fn put_and_get(put: &str, got: &str) -> String {
    in_turn(&[
        ("put", &format!("\"value\":{put}"), ""),
        ("get", "", &format!("\"value\":{got}")),
    ])
}

#[test]
fn a_number_is_the_text_it_is_written_as() {
    for (put, got, same) in [
        ("18446744073709551617", "18446744073709551618", false),
        ("18446744073709551617", "18446744073709551617", true),
        ("-9223372036854775809", "-9223372036854775810", false),
        ("1.0", "1.0", true),
        ("1.0", "\"1.0\"", true),
        ("0.1", "0.10000000000000000000001", false),
        ("1e400", "1e400", true),
        ("true", "\"true\"", true),
        ("7", "\"7\"", true),
        ("\"a\\u0062\"", "\"ab\"", true),
    ] {
        assert_eq!(judged(&put_and_get(put, got)), same, "{put} {got}");
    }
    let within = in_turn(&[
        ("put", "\"key\":\"k\",\"value\":1.0", ""),
        (
            "txn",
            "\"then\":[{\"op\":\"get\",\"key\":\"k\"}]",
            "\"results\":[1.0]",
        ),
    ]);
    assert!(judged(&within));
}

#[test]
fn a_number_in_two_notations_is_refused() {
    for (put, got, line) in [
        ("1.0", "1", 1),
        ("1", "1.0", 4),
        ("1.0", "1.00", 4),
        ("1e2", "100", 1),
        ("-0", "0", 1),
    ] {
        refused(&put_and_get(put, got), line, "whether both are one value");
    }
}

#[test]
fn whole_numbers_of_clojure_are_one_in_both_notations() {
    let text = "{:process 0 :type :invoke :f :write :value 1N}
                {:process 0 :type :ok :f :write :value 1}
                {:process 0 :type :invoke :f :read :value nil}
                {:process 0 :type :ok :f :read :value 1}";
    assert!(judged(text));
}

#[test]
fn a_register_reads_the_empty_text_as_absent() {
    assert!(judged(&put_and_get("\"\"", "null")));
}

#[test]
fn a_queue_is_told_by_its_first_operation() {
    let queue = in_turn(&[
        ("enqueue", "\"value\":\"\"", ""),
        ("dequeue", "", "\"value\":\"\""),
        ("dequeue", "", "\"value\":null"),
    ]);
    for first in ["", "\n", "\n  \n\r\n"] {
        assert!(judged(&format!("{first}{queue}")), "{first:?}");
        let read = read_own(&format!("{first}{queue}")).expect("a history");
        assert_eq!(read.history.values.len(), 2);
    }
    refused(
        &queue.replace(":\"\"", ":\"null\""),
        1,
        "cannot be told from null",
    );
    // A word in a value tells nothing.
    let register = put_and_get("\"enqueue\"", "\"enqueue\"");
    let register = format!("{register}{}", put_and_get("\"\"", "null"));
    assert!(judged(&register));
}

#[test]
fn answers_of_other_operations_are_refused() {
    let get = |rest: &str| in_turn(&[("get", "\"key\":\"k\"", rest)]);
    refused(&get("\"answer\":true"), 2, "a read has no `answer`");
    refused(
        &get("\"pairs\":[[\"a\",\"b\"]]"),
        2,
        "a read has no `pairs`",
    );
    refused(&get("\"values\":[]"), 2, "a read has no `values`");
    refused(&get("\"results\":[]"), 2, "a read has no `results`");
    refused(&get("\"succeeded\":true"), 2, "a read has no `succeeded`");
    let txn = |then: &str, rest: &str| in_turn(&[("txn", &format!("\"then\":[{then}]"), rest)]);
    let (read, delete) = (
        "{\"op\":\"get\",\"key\":\"k\"}",
        "{\"op\":\"delete\",\"key\":\"k\"}",
    );
    let range = "{\"op\":\"range\"}";
    let write = "{\"op\":\"put\",\"key\":\"k\",\"value\":1}";
    refused(
        &txn(delete, "\"results\":[\"zzz\"]"),
        2,
        "the result \"zzz\": of a delete it is true, false or null",
    );
    refused(
        &txn(read, "\"results\":[[[\"a\",\"b\"]]]"),
        2,
        "of a read it is",
    );
    refused(&txn(range, "\"results\":[7]"), 2, "of a range it is");
    refused(&txn(write, "\"results\":[1]"), 2, "of a write it is null");
    refused(
        &txn(&format!("{read},{read}"), "\"results\":[]"),
        2,
        "a transaction of 2 requests has 0 results",
    );
    refused(&txn(read, "\"succeeded\":false"), 2, "without comparisons");
    // A value may be true: nobody wrote it.
    assert!(!judged(&txn(read, "\"results\":[true]")));
    assert!(judged(&txn(read, "\"results\":[null]")));
    assert!(judged(&txn(read, "\"succeeded\":true")));
    let all = txn(
        &format!("{write},{range},{delete}"),
        "\"results\":[null,[[\"k\",1]],true]",
    );
    assert!(judged(&all));
}

#[test]
fn no_limit_is_a_limit_of_0() {
    let ranged = |limit: u32| {
        in_turn(&[
            ("put", "\"key\":\"a\",\"value\":1", ""),
            (
                "range",
                &format!("\"limit\":{limit}"),
                "\"pairs\":[[\"a\",1]]",
            ),
        ])
    };
    assert!(judged(&ranged(0)));
    assert!(judged(&ranged(1)));
    assert!(!judged(&ranged(0).replace("[[\"a\",1]]", "[]")));
}

#[test]
fn a_clock_that_goes_back_within_an_operation_is_refused() {
    let text = "{\"client\":1,\"op\":\"put\",\"value\":1,\"type\":\"invoke\",\"t\":1000}\n\
                {\"client\":1,\"op\":\"put\",\"type\":\"ok\",\"t\":900}\n";
    refused(
        text,
        2,
        "process 1 returns at 900 from what it called at 1000",
    );
    let same = text.replace("900", "1000");
    assert!(judged(&same));
    let maps = "{:process 0 :type :invoke :f :read :value nil :time 7}\n\
                {:process 0 :type :ok :f :read :value nil :time 6}";
    refused(maps, 2, "its clock went back");
}

#[test]
fn nothing_is_not_put_into_a_queue() {
    let why = "nothing is enqueued";
    refused(&in_turn(&[("enqueue", "\"value\":null", "")]), 1, why);
    let put = in_turn(&[("enqueue", "\"value\":\"a\"", "\"value\":null")]);
    refused(&put, 2, why);
    refused(
        "{:process 0, :type :invoke, :f :enqueue, :value nil}\n",
        1,
        why,
    );
    // The empty text is something.
    let texts = [
        ("enqueue", "\"value\":\"\"", ""),
        ("dequeue", "", "\"value\":\"\""),
        ("dequeue", "", "\"value\":null"),
    ];
    assert!(judged(&in_turn(&texts)));
}

#[test]
fn a_time_is_a_number_of_at_least_zero() {
    for time in ["-5", "1.5", "\"1\"", "18446744073709551616"] {
        let text = in_turn(&[("get", "", &format!("\"t\":{time}"))]);
        let why = "`t` must be a whole number of at least 0, below 2^64";
        refused(&text, 2, why);
    }
    assert!(judged(&in_turn(&[("get", "\"t\":null", "\"time\":0")])));
}

#[test]
fn what_is_not_utf8_is_called_so() {
    let good = in_turn(&[("get", "", "")]);
    for bad in [&b"\xff\xfe\n"[..], b"{\"client\":\"\xff\"}\n"] {
        let text = [good.as_bytes(), bad].concat();
        let read = read_bytes("test", text, Options::default(), &Limits::default());
        let Err(Stopped::Error(error)) = read else {
            panic!("it is read");
        };
        assert_eq!(error.line, 3);
        assert!(error.to_string().contains("not UTF-8"), "{error}");
    }
}

/// What tells the format may stand behind a long value; and a line that is too
/// long is called so.
#[test]
fn a_first_line_may_be_long() {
    let line = |length: usize, phase: &str| {
        let value = "a".repeat(length);
        format!("{{\"value\":\"{value}\",\"client\":1,\"op\":\"put\",\"type\":\"{phase}\"}}\n")
    };
    assert!(judged(&(line(1 << 20, "invoke") + &line(1 << 20, "ok"))));
    let long = line(17 << 20, "invoke");
    refused(&long, 1, "longer than 16777216 bytes");
    let other = long.replace("\"value\"", "\"client\"");
    refused(
        &other,
        1,
        "a line or form that is longer than 16777216 bytes",
    );
}
