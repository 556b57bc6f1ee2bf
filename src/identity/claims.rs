//! What proved claims make of their bearer here.

use serde_json::{Map, Value};

use super::document::{Issuer, Tenants};
use crate::{
    ctx::{Actor, ActorKind, Role},
    error::{Error, Result},
    ids::{TenantId, is_key},
};

/// The caller behind these claims. One without roles is known, and may do nothing.
pub fn actor(claims: &Map<String, Value>, issuer: &Issuer) -> Result<Actor> {
    let refused = |text: String| Error::Unauthenticated(format!("the access token {text}"));
    let id = find(claims, &issuer.subject_claim).and_then(Value::as_str).unwrap_or_default();
    if !is_key(id) {
        return Err(refused(format!(
            "has no usable key of its bearer in the claim {}",
            issuer.subject_claim
        )));
    }
    let tenants = tenants(claims, &issuer.tenants)
        .map_err(|claim| refused(format!("names no tenant in the claim {claim}")))?;
    let mut roles = issuer.subjects.get(id).cloned().unwrap_or_default();
    if let Some(mapping) = &issuer.roles {
        let words = texts(find(claims, &mapping.claim));
        roles.extend(words.iter().filter_map(|word| mapping.map.get(*word)).flatten());
    }
    let (kind, roles) = kind(roles);
    Ok(Actor { kind, id: id.to_owned(), roles, tenants })
}

/// What kind of caller has these roles. Who works here is no customer, whatever else the issuer says: a customer sees only
/// the customer's side.
pub fn kind(mut roles: Vec<Role>) -> (ActorKind, Vec<Role>) {
    roles.sort_by_key(|role| *role as u8);
    roles.dedup();
    if roles.iter().any(|role| *role != Role::Customer) {
        roles.retain(|role| *role != Role::Customer);
    }
    let kind = match roles.as_slice() {
        [] | [Role::Customer] => ActorKind::Customer,
        all if all.contains(&Role::Service) => ActorKind::Service,
        _ => ActorKind::Agent,
    };
    (kind, roles)
}

/// The tenants; the error is the claim that should name them.
fn tenants<'a>(
    claims: &Map<String, Value>,
    tenants: &'a Tenants,
) -> std::result::Result<Option<Vec<TenantId>>, &'a str> {
    match tenants {
        Tenants { any: true, .. } => Ok(None),
        Tenants { claim: None, fixed, .. } => Ok(Some(fixed.clone())),
        Tenants { claim: Some(claim), .. } => {
            let named = texts(find(claims, claim));
            let named: Option<Vec<TenantId>> = named.into_iter().map(TenantId::parse).collect();
            named.filter(|named| !named.is_empty()).map(Some).ok_or(claim)
        }
    }
}

/// A claim by its whole name, which may have dots, or by a path.
fn find<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    claims.get(name).or_else(|| {
        let (first, rest) = name.split_once('.')?;
        rest.split('.').try_fold(claims.get(first)?, |value, name| value.get(name))
    })
}

/// A text, or a list of texts.
fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::{
        super::document::{Document, Roles},
        *,
    };

    fn issuer() -> Issuer {
        let document = "
issuers:
  - issuer: https://login.example.com
    audiences: [ticketing]
    tenants: {claim: tenant}
    roles:
      claim: realm_access.roles
      map: {desk: [AGENT], lead: [AGENT, MANAGER], portal: [CUSTOMER], crm: [SERVICE]}
    subjects: {root: [ADMIN]}
";
        Document::parse(document).expect("sound").issuers.remove(0)
    }

    fn read(claims: Value) -> Result<Actor> {
        actor(claims.as_object().expect("claims"), &issuer())
    }

    #[test]
    fn roles_say_what_kind_of_caller_it_is() {
        for (words, id, kind, roles) in [
            (json!(["desk"]), "anna", ActorKind::Agent, vec![Role::Agent]),
            (json!(["lead", "desk"]), "anna", ActorKind::Agent, vec![Role::Agent, Role::Manager]),
            (json!("portal"), "bert", ActorKind::Customer, vec![Role::Customer]),
            (json!(["portal", "desk"]), "anna", ActorKind::Agent, vec![Role::Agent]),
            (json!(["crm"]), "sync", ActorKind::Service, vec![Role::Service]),
            (json!(["unknown", 7]), "anna", ActorKind::Customer, vec![]),
            (json!(null), "root", ActorKind::Agent, vec![Role::Admin]),
        ] {
            let claims = json!({"sub": id, "tenant": "acme", "realm_access": {"roles": words}});
            let actor = read(claims).expect("an actor");
            assert_eq!((actor.kind, actor.roles), (kind, roles), "{words}");
            assert_eq!((actor.id.as_str(), actor.tenants), (id, TenantId::parse("acme").map(|it| vec![it])));
        }
    }

    #[test]
    fn a_token_without_tenant_or_key_is_nobodys() {
        for claims in [
            json!({"sub": "anna"}),
            json!({"sub": "anna", "tenant": []}),
            json!({"sub": "anna", "tenant": ""}),
            json!({"sub": "anna", "tenant": "../acme"}),
            json!({"sub": "anna", "tenant": ["acme", "NOT-ONE"]}),
            json!({"sub": "anna", "tenant": {"name": "acme"}}),
            json!({"sub": "", "tenant": "acme"}),
            json!({"sub": "a/b", "tenant": "acme"}),
            json!({"sub": 7, "tenant": "acme"}),
            json!({"tenant": "acme"}),
            json!({"sub": "x".repeat(129), "tenant": "acme"}),
        ] {
            assert!(matches!(read(claims.clone()), Err(Error::Unauthenticated(_))), "{claims}");
        }
    }

    #[test]
    fn a_claim_is_found_by_its_name_or_by_its_path() {
        let claims = json!({"https://example.com/roles": ["desk"], "a": {"b": {"c": "desk"}}});
        let claims = claims.as_object().expect("claims");
        assert_eq!(texts(find(claims, "https://example.com/roles")), ["desk"]);
        assert_eq!(texts(find(claims, "a.b.c")), ["desk"]);
        for missing in ["a.c", "b", "a.b.c.d", ""] {
            assert!(texts(find(claims, missing)).is_empty(), "{missing}");
        }
    }

    #[test]
    fn fixed_tenants_and_any_need_no_claim() {
        let claims = json!({"sub": "sync"});
        let fixed = Tenants { fixed: TenantId::parse("acme").into_iter().collect(), ..Default::default() };
        let roles = Some(Roles { claim: "roles".into(), map: BTreeMap::default() });
        for (tenants, expected) in
            [(fixed.clone(), Some(fixed.fixed)), (Tenants { any: true, ..Default::default() }, None)]
        {
            let issuer = Issuer { tenants, roles: roles.clone(), ..issuer() };
            let actor = actor(claims.as_object().expect("claims"), &issuer).expect("an actor");
            assert_eq!(actor.tenants, expected);
        }
    }
}
