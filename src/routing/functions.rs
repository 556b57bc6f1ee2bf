//! The functions and operators of a condition: what types they take, and what they give. It is CEL's standard library
//! without optional values.

use super::typing::Type;

/// A type that a function takes or gives, whatever is in a list or a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Bool,
    Int,
    Uint,
    Double,
    Text,
    Bytes,
    Duration,
    Timestamp,
    Kind,
    List,
    Map,
    Any,
}
use Shape::{Any, Bool, Bytes, Double, Duration, Int, Kind, List, Map, Text, Timestamp, Uint};

/// One way to call a function. Of a member, `subject.function(…)`, the subject is the first that it takes.
pub struct Function {
    pub name: &'static str,
    pub member: bool,
    pub takes: &'static [Shape],
    pub gives: Shape,
}

const fn global(name: &'static str, takes: &'static [Shape], gives: Shape) -> Function {
    Function { name, member: false, takes, gives }
}

const fn member(name: &'static str, takes: &'static [Shape], gives: Shape) -> Function {
    Function { name, member: true, takes, gives }
}

#[rustfmt::skip]
pub const FUNCTIONS: &[Function] = &[
    global("!_", &[Bool], Bool),
    global("@not_strictly_false", &[Bool], Bool),
    global("_&&_", &[Bool, Bool], Bool),
    global("_||_", &[Bool, Bool], Bool),
    global("-_", &[Int], Int), global("-_", &[Double], Double),
    global("_+_", &[Int, Int], Int), global("_+_", &[Uint, Uint], Uint), global("_+_", &[Double, Double], Double),
    global("_+_", &[Text, Text], Text), global("_+_", &[Bytes, Bytes], Bytes), global("_+_", &[List, List], List),
    global("_+_", &[Duration, Duration], Duration), global("_+_", &[Timestamp, Duration], Timestamp),
    global("_+_", &[Duration, Timestamp], Timestamp),
    global("_-_", &[Int, Int], Int), global("_-_", &[Uint, Uint], Uint), global("_-_", &[Double, Double], Double),
    global("_-_", &[Duration, Duration], Duration), global("_-_", &[Timestamp, Duration], Timestamp),
    global("_-_", &[Timestamp, Timestamp], Duration),
    global("_*_", &[Int, Int], Int), global("_*_", &[Uint, Uint], Uint), global("_*_", &[Double, Double], Double),
    global("_/_", &[Int, Int], Int), global("_/_", &[Uint, Uint], Uint), global("_/_", &[Double, Double], Double),
    global("_%_", &[Int, Int], Int), global("_%_", &[Uint, Uint], Uint),

    global("size", &[Text], Int), global("size", &[Bytes], Int), global("size", &[List], Int), global("size", &[Map], Int),
    member("size", &[Text], Int), member("size", &[Bytes], Int), member("size", &[List], Int), member("size", &[Map], Int),
    member("contains", &[Text, Text], Bool),
    member("startsWith", &[Text, Text], Bool),
    member("endsWith", &[Text, Text], Bool),
    global("matches", &[Text, Text], Bool), member("matches", &[Text, Text], Bool),

    global("bool", &[Bool], Bool), global("bool", &[Text], Bool),
    global("bytes", &[Text], Bytes), global("bytes", &[Bytes], Bytes),
    global("double", &[Double], Double), global("double", &[Int], Double), global("double", &[Uint], Double),
    global("double", &[Text], Double),
    global("duration", &[Text], Duration), global("duration", &[Duration], Duration),
    global("int", &[Int], Int), global("int", &[Uint], Int), global("int", &[Double], Int), global("int", &[Text], Int),
    global("int", &[Timestamp], Int),
    global("string", &[Text], Text), global("string", &[Bool], Text), global("string", &[Int], Text),
    global("string", &[Uint], Text), global("string", &[Double], Text), global("string", &[Bytes], Text),
    global("string", &[Timestamp], Text), global("string", &[Duration], Text),
    global("timestamp", &[Text], Timestamp), global("timestamp", &[Timestamp], Timestamp),
    global("timestamp", &[Int], Timestamp),
    global("uint", &[Uint], Uint), global("uint", &[Int], Uint), global("uint", &[Double], Uint),
    global("uint", &[Text], Uint),
    global("type", &[Any], Kind),
    global("dyn", &[Any], Any),

    member("getFullYear", &[Timestamp], Int), member("getFullYear", &[Timestamp, Text], Int),
    member("getMonth", &[Timestamp], Int), member("getMonth", &[Timestamp, Text], Int),
    member("getDayOfYear", &[Timestamp], Int), member("getDayOfYear", &[Timestamp, Text], Int),
    member("getDayOfMonth", &[Timestamp], Int), member("getDayOfMonth", &[Timestamp, Text], Int),
    member("getDate", &[Timestamp], Int), member("getDate", &[Timestamp, Text], Int),
    member("getDayOfWeek", &[Timestamp], Int), member("getDayOfWeek", &[Timestamp, Text], Int),
    member("getHours", &[Timestamp], Int), member("getHours", &[Timestamp, Text], Int), member("getHours", &[Duration], Int),
    member("getMinutes", &[Timestamp], Int), member("getMinutes", &[Timestamp, Text], Int),
    member("getMinutes", &[Duration], Int),
    member("getSeconds", &[Timestamp], Int), member("getSeconds", &[Timestamp, Text], Int),
    member("getSeconds", &[Duration], Int),
    member("getMilliseconds", &[Timestamp], Int), member("getMilliseconds", &[Timestamp, Text], Int),
    member("getMilliseconds", &[Duration], Int),
];

/// The names of types, which are values too: `type(x) == string`.
pub const TYPE_NAMES: &[&str] =
    &["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"];

/// What there is of this name.
pub fn named(name: &str) -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().filter(move |function| function.name == name)
}

impl Function {
    /// Whether it may take these; what is not known may be anything.
    pub fn may_take(&self, given: &[Type]) -> bool {
        self.takes.len() == given.len()
            && self.takes.iter().zip(given).all(|(takes, given)| takes.may_take(given))
    }
}

impl Shape {
    pub fn may_take(self, given: &Type) -> bool {
        self == Any || matches!(given, Type::Dyn | Type::Never) || given.shape() == Some(self)
    }

    pub fn told(self) -> &'static str {
        match self {
            Bool => "true or false",
            Int => "a whole number",
            Uint => "an unsigned number",
            Double => "a decimal number",
            Text => "text",
            Bytes => "bytes",
            Duration => "a duration",
            Timestamp => "a timestamp",
            Kind => "a type",
            List => "a list",
            Map => "a map",
            Any => "anything",
        }
    }
}
