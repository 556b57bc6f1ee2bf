//! What each method declares about itself, read off the contract once. The layers ask this table; a method that
//! declares nothing or nonsense keeps the server from starting.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use prost_reflect::{DescriptorPool, ExtensionDescriptor, MethodDescriptor};
use ticketing_proto::v1 as proto;
pub use ticketing_proto::v1::{Audience, Idempotency};

use super::{
    layer::{Answer, Call, Reply},
    refuse,
};
use crate::{
    access::{Permission, administers},
    ctx::{Action, Actor},
    error::Error,
};

const OPTION: &str = "ticketing.v1.policy";

/// Why the server cannot read its policies.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The bytes are no descriptor set.
    #[error("the contract's descriptor does not read: {0}")]
    Descriptor(#[from] prost_reflect::DescriptorError),
    /// Faults of the methods, all of them.
    #[error("the contract declares its methods badly: {}", .0.join("; "))]
    Methods(Vec<String>),
}

/// What a method declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodPolicy {
    /// Full name, for instance `ticketing.v1.TicketService/GetTicket`.
    pub name: Arc<str>,
    /// Who may call it.
    pub access: Access,
    /// What a second identical call does.
    pub idempotency: Idempotency,
    /// Whether it answers with a stream.
    pub streaming: bool,
    /// The time for a call that names none. None: a stream, which lives until it is cut.
    pub default_deadline: Option<Duration>,
    /// The most time that a call may have, whatever it names. None: as much as it likes.
    pub max_deadline: Option<Duration>,
    /// The weight of one call in limits; 0 is never turned away.
    pub cost: u32,
}

/// Who may call a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody; nobody asks who it is. Health and reflection only.
    Open,
    /// Anybody; what the caller may do, the request itself proves. Counted by where it comes from.
    Anybody,
    /// Who holds the right and is of one of these kinds.
    Granted {
        /// The right.
        permission: Permission,
        /// The kinds of callers that the method is made for.
        audiences: Vec<Audience>,
    },
}

impl Access {
    /// Whether this caller may.
    pub fn require(&self, actor: &Actor) -> Result<(), Error> {
        match self {
            Self::Open | Self::Anybody => Ok(()),
            Self::Granted { permission, .. } => actor.require(*permission),
        }
    }
}

impl MethodPolicy {
    /// The method as the audit log names it.
    pub fn action(&self) -> Action {
        let administers = match &self.access {
            Access::Open | Access::Anybody => false,
            Access::Granted { permission, .. } => {
                administers(*permission) && self.idempotency != Idempotency::NoSideEffects
            }
        };
        Action { method: Arc::clone(&self.name), administers }
    }

    /// The time that a call gets that asks for `asked`.
    pub(super) fn time(&self, asked: Option<Duration>) -> Option<Duration> {
        match (asked.or(self.default_deadline), self.max_deadline) {
            (Some(time), Some(most)) => Some(time.min(most)),
            (time, _) => time,
        }
    }

    fn open(method: &MethodDescriptor) -> Self {
        let time = (!method.is_server_streaming()).then_some(Duration::from_secs(5));
        Self {
            name: name(method).into(),
            access: Access::Open,
            idempotency: Idempotency::NoSideEffects,
            streaming: method.is_server_streaming(),
            default_deadline: time,
            max_deadline: time,
            cost: u32::from(method.is_server_streaming()),
        }
    }

    fn declared(method: &MethodDescriptor, option: Option<&ExtensionDescriptor>) -> Result<Self, String> {
        let name = name(method);
        let fault = |what: &str| format!("{name} {what}");
        let options = method.options();
        let declared = option
            .filter(|option| options.has_extension(option))
            .and_then(|option| {
                options.get_extension(option).as_message()?.transcode_to::<proto::MethodPolicy>().ok()
            })
            .ok_or_else(|| fault("has no policy"))?;
        if declared.permission() == Permission::Unspecified {
            return Err(fault("names no permission"));
        }
        let audiences: Vec<_> = declared.audiences().collect();
        if audiences.is_empty() || audiences.contains(&Audience::Unspecified) {
            return Err(fault("names no audience"));
        }
        let of_anybody = declared.permission() == Permission::Anybody;
        if audiences.contains(&Audience::Anybody) != of_anybody || (of_anybody && audiences.len() > 1) {
            return Err(fault("is for anybody and asks for a right, or the other way round"));
        }
        if declared.idempotency() == Idempotency::Unspecified {
            return Err(fault("does not say what a second call does"));
        }
        let span = |span: Option<prost_types::Duration>| span.map(Duration::try_from).transpose();
        let default_deadline =
            span(declared.default_deadline).map_err(|_| fault("has a negative deadline"))?;
        let max_deadline = span(declared.max_deadline).map_err(|_| fault("has a negative deadline"))?;
        match (default_deadline, max_deadline) {
            (Some(default), Some(most)) if default <= most => {}
            (None, None) if method.is_server_streaming() => {}
            _ => {
                return Err(fault(
                    "needs a default deadline and a maximum that is no shorter, or is a stream without",
                ));
            }
        }
        Ok(Self {
            access: if of_anybody {
                Access::Anybody
            } else {
                Access::Granted { permission: declared.permission(), audiences }
            },
            idempotency: declared.idempotency(),
            streaming: method.is_server_streaming(),
            default_deadline,
            max_deadline,
            cost: u32::try_from(declared.cost)
                .ok()
                .filter(|cost| *cost > 0)
                .ok_or_else(|| fault("has no cost"))?,
            name: name.into(),
        })
    }
}

fn name(method: &MethodDescriptor) -> String {
    format!("{}/{}", method.parent_service().full_name(), method.name())
}

/// The policies of all methods, by path.
#[derive(Clone, Debug, Default)]
pub struct Policies(HashMap<String, Arc<MethodPolicy>>);

impl Policies {
    /// Reads what the methods of this encoded `FileDescriptorSet` declare.
    pub fn declared(descriptor: &[u8]) -> Result<Self, PolicyError> {
        let pool = DescriptorPool::decode(descriptor)?;
        let option = pool.get_extension_by_name(OPTION);
        let mut policies = Self::default();
        let mut faults = Vec::new();
        for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
            match MethodPolicy::declared(&method, option.as_ref()) {
                Ok(policy) => policies.add(policy),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(policies) } else { Err(PolicyError::Methods(faults)) }
    }

    /// Adds the methods of a service that is not ours and is open to anybody.
    pub(super) fn with_open(mut self, descriptor: &[u8]) -> Result<Self, PolicyError> {
        let pool = DescriptorPool::decode(descriptor)?;
        for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
            self.add(MethodPolicy::open(&method));
        }
        Ok(self)
    }

    fn add(&mut self, policy: MethodPolicy) {
        self.0.insert(format!("/{}", policy.name), Arc::new(policy));
    }

    /// The policy of the method behind this path.
    pub fn get(&self, path: &str) -> Option<&Arc<MethodPolicy>> {
        self.0.get(path)
    }

    /// The services that the methods belong to.
    pub(super) fn services(&self) -> HashSet<String> {
        self.0.values().filter_map(|policy| policy.name.split('/').next().map(str::to_owned)).collect()
    }

    /// All policies, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &MethodPolicy> {
        self.0.values().map(|policy| &**policy)
    }
}

/// Finds the method; the inner layers read its policy from the call's extensions.
pub(super) struct Lookup<A> {
    pub(super) policies: Policies,
    pub(super) next: A,
}

impl<A: Answer> Answer for Lookup<A> {
    async fn answer(&self, mut call: Call) -> Reply {
        let Some(policy) = self.policies.get(call.uri().path()).cloned() else {
            return refuse(Error::Unimplemented(call.uri().path().trim_start_matches('/').to_owned()));
        };
        call.extensions_mut().insert(policy);
        self.next.answer(call).await
    }
}

/// The policy that `Lookup` found.
pub(super) fn policy(call: &Call) -> Arc<MethodPolicy> {
    call.extensions()
        .get::<Arc<MethodPolicy>>()
        .cloned()
        .expect("the lookup stands outside of every layer that asks")
}

#[cfg(test)]
mod tests {
    use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver, IncludeFileResolver};

    use super::*;
    use crate::serve::Limits;

    struct Text(String);

    impl FileResolver for Text {
        fn open_file(&self, name: &str) -> Result<File, protox::Error> {
            if name == "toy.proto" {
                File::from_source(name, &self.0)
            } else {
                Err(protox::Error::file_not_found(name))
            }
        }
    }

    /// Compiles a service with these methods.
    fn read(methods: &str) -> Result<Policies, PolicyError> {
        let mut resolver = ChainFileResolver::new();
        resolver.add(Text(format!(
            "syntax = 'proto3'; package toy; import 'ticketing/v1/options.proto';
             message Nothing {{}} service Toy {{ {methods} }}"
        )));
        resolver.add(IncludeFileResolver::new(concat!(env!("CARGO_MANIFEST_DIR"), "/proto").into()));
        resolver.add(GoogleFileResolver::new());
        let mut compiler = protox::Compiler::with_file_resolver(resolver);
        compiler.include_imports(true).open_file("toy.proto").expect("the toy compiles");
        Policies::declared(&compiler.encode_file_descriptor_set())
    }

    fn method(name: &str, returns: &str, policy: &str) -> String {
        format!(
            "rpc {name}(Nothing) returns ({returns} Nothing) {{ option (ticketing.v1.policy) = {{ {policy} }}; }}"
        )
    }

    const SOUND: &str = "permission: PERMISSION_TICKETS_READ audiences: [AUDIENCE_AGENT]
         idempotency: IDEMPOTENCY_NO_SIDE_EFFECTS cost: 2";

    #[test]
    fn a_method_says_all_about_itself() {
        let get = method(
            "Get",
            "",
            &format!("{SOUND} default_deadline {{seconds: 5}} max_deadline {{seconds: 10}}"),
        );
        let watch = method("Watch", "stream", SOUND);
        let policies = read(&(get + &watch)).expect("sound");
        assert_eq!(
            **policies.get("/toy.Toy/Get").expect("Get"),
            MethodPolicy {
                name: "toy.Toy/Get".into(),
                access: Access::Granted {
                    permission: Permission::TicketsRead,
                    audiences: vec![Audience::Agent]
                },
                idempotency: Idempotency::NoSideEffects,
                streaming: false,
                default_deadline: Some(Duration::from_secs(5)),
                max_deadline: Some(Duration::from_secs(10)),
                cost: 2,
            }
        );
        let watch = policies.get("/toy.Toy/Watch").expect("Watch");
        assert!(watch.streaming && watch.default_deadline.is_none());
        assert!(policies.get("/toy.Toy/Put").is_none());
    }

    #[test]
    fn every_faulty_method_is_named() {
        let deadlines = |default, max| {
            format!("{SOUND} default_deadline {{seconds: {default}}} max_deadline {{seconds: {max}}}")
        };
        let methods = [
            "rpc Bare(Nothing) returns (Nothing);".to_owned(),
            method(
                "Anyone",
                "",
                &deadlines(1, 2).replace("PERMISSION_TICKETS_READ", "PERMISSION_UNSPECIFIED"),
            ),
            method("Nobody", "", &deadlines(1, 2).replace("AUDIENCE_AGENT", "")),
            method("Twice", "", &deadlines(1, 2).replace("NO_SIDE_EFFECTS", "UNSPECIFIED")),
            method("Free", "", &deadlines(1, 2).replace("cost: 2", "")),
            method("Endless", "", SOUND),
            method("Crossed", "", &deadlines(3, 2)),
            method("Sound", "", &deadlines(1, 2)),
        ];
        let Err(PolicyError::Methods(faults)) = read(&methods.concat()) else {
            panic!("the faults went unseen")
        };
        let expected = ["Bare", "Anyone", "Nobody", "Twice", "Free", "Endless", "Crossed"];
        assert_eq!(faults.len(), expected.len(), "{faults:?}");
        for (fault, name) in faults.iter().zip(expected) {
            assert!(fault.starts_with(&format!("toy.Toy/{name} ")), "{fault}");
        }
    }

    #[test]
    fn a_call_gets_the_shortest_time() {
        let seconds = |count| Some(Duration::from_secs(count));
        let sound = format!("{SOUND} default_deadline {{seconds: 5}} max_deadline {{seconds: 10}}");
        let policies = read(&(method("Get", "", &sound) + &method("Watch", "stream", SOUND))).expect("sound");
        let (get, watch) =
            (policies.get("/toy.Toy/Get").expect("Get"), policies.get("/toy.Toy/Watch").expect("Watch"));
        assert_eq!(get.time(None), seconds(5));
        assert_eq!(get.time(seconds(1)), seconds(1));
        assert_eq!(get.time(seconds(3600)), seconds(10));
        assert_eq!(watch.time(None), None);
        assert_eq!(watch.time(seconds(3600)), seconds(3600));
    }

    #[test]
    fn the_contract_declares_all_its_methods_and_aged_connections_wait_for_the_longest() {
        let policies = Policies::declared(ticketing_proto::DESCRIPTOR).expect("sound");
        assert!(policies.get("/ticketing.v1.TicketService/GetTicket").is_some());
        let longest = policies.iter().filter_map(|policy| policy.max_deadline).max();
        assert!(longest < Some(Limits::default().age_grace), "{longest:?}");
    }
}
