//! `ticketing token`.

use std::process::ExitCode;

use clap::{Args, builder::PossibleValuesParser};

use crate::{
    ctx::{ActorKind, Role},
    ids::TenantId,
    tokens::Claims,
};

/// Make a development token
///
/// It says who calls, as what, and for which tenants. It is not signed: only a server that serves without authentication
/// believes it. Give it to commands as --token or TICKETING_TOKEN, and send it as `authorization: Bearer TOKEN`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Token {
    /// Who calls: an agent's or contact's key, or a service's name
    #[arg(value_name = "SUBJECT")]
    sub: String,
    /// What the caller is
    #[arg(long, default_value = "agent", value_parser = PossibleValuesParser::new(KINDS.map(|(name, ..)| name)))]
    kind: String,
    /// What the caller may do; more than one with commas between [default: what the kind says]
    #[arg(long, value_delimiter = ',', ignore_case = true, value_parser = PossibleValuesParser::new(Role::ALL.map(Role::name)))]
    role: Vec<String>,
    /// The tenants that the caller may enter, with commas between [default: any]
    #[arg(long, value_delimiter = ',', value_parser = tenant)]
    tenant: Vec<TenantId>,
}

const EXAMPLES: &str = "\
Examples:
  ticketing token anna                                    An agent of any tenant
  ticketing token anna --role agent,specialist --tenant acme
  ticketing token c-17 --kind customer --tenant acme      A customer, who sees the own tickets alone
  export TICKETING_TOKEN=$(ticketing token boss --role admin)";

/// Who may call, and the role that goes with it unless others are named.
const KINDS: [(&str, ActorKind, Role); 3] = [
    ("customer", ActorKind::Customer, Role::Customer),
    ("agent", ActorKind::Agent, Role::Agent),
    ("service", ActorKind::Service, Role::Service),
];

pub fn tenant(text: &str) -> Result<TenantId, String> {
    TenantId::parse(text).ok_or_else(|| "must be 1 to 63 of a-z, 0-9 and inner -".to_owned())
}

impl Token {
    pub fn run(self) -> ExitCode {
        anstream::println!("{}", self.claims().encode());
        ExitCode::SUCCESS
    }

    fn claims(self) -> Claims {
        let (_, kind, usual) =
            KINDS.into_iter().find(|(name, ..)| *name == self.kind).expect("a value of the table");
        let named = |name: &String| Role::ALL.into_iter().find(|role| role.name().eq_ignore_ascii_case(name));
        let roles: Vec<Role> = self.role.iter().filter_map(named).collect();
        Claims {
            sub: self.sub,
            kind,
            roles: if roles.is_empty() { vec![usual] } else { roles },
            tenants: (!self.tenant.is_empty()).then_some(self.tenant),
        }
    }
}
