//! What the operator writes down: who is believed, and what the believed are here. `docs/identity.md` explains it.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use http::Uri;
use jsonwebtoken::Algorithm;
use serde::Deserialize;

use crate::{ctx::Role, ids::TenantId};

/// Signatures with keys that are secret on both sides are not among them: whoever verifies could sign.
const ALGORITHMS: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// The file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Document {
    pub issuers: Vec<Issuer>,
    pub certificates: Vec<Certificate>,
}

/// Who makes access tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// As it stands in `iss`; below it lies the discovery document.
    pub issuer: String,
    /// One of these must stand in `aud`.
    pub audiences: Vec<String>,
    /// What else may stand in `aud`; with anything else, a token made for us and for others is refused.
    #[serde(default)]
    pub other_audiences: Vec<String>,
    #[serde(default = "usual")]
    pub algorithms: Vec<Algorithm>,
    /// Where the keys are, if discovery does not say.
    #[serde(default)]
    pub keys_url: Option<String>,
    /// Authorities (PEM) that vouch for the issuer's server, besides those that browsers trust.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// A token that the issuer's server wants to see before it shows its keys; read anew each time.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// The claim that is the caller's key here.
    #[serde(default = "sub")]
    pub subject_claim: String,
    pub tenants: Tenants,
    #[serde(default)]
    pub roles: Option<Roles>,
    /// Roles of single callers, by the subject claim.
    #[serde(default)]
    pub subjects: BTreeMap<String, Vec<Role>>,
}

/// Which tenants a caller may enter; one of the three.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tenants {
    /// The claim that names it, or several.
    pub claim: Option<String>,
    /// Always these.
    pub fixed: Vec<TenantId>,
    /// Any: for services of the platform alone.
    pub any: bool,
}

/// What makes a caller's roles.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// The claim with the issuer's words for them, with a dot between names inside each other: `realm_access.roles`.
    pub claim: String,
    /// What those words mean here; what is not among them means nothing.
    pub map: BTreeMap<String, Vec<Role>>,
}

/// A caller that proves itself by a certificate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// A DNS name or URI among the certificate's alternative names.
    pub name: String,
    /// The caller's key here.
    pub id: String,
    pub roles: Vec<Role>,
    /// The tenants that it may enter; none: any.
    #[serde(default)]
    pub tenants: Vec<TenantId>,
}

fn usual() -> Vec<Algorithm> {
    vec![Algorithm::RS256, Algorithm::ES256]
}

fn sub() -> String {
    "sub".to_owned()
}

/// Everything that is wrong with a document, by path.
#[derive(Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("who may call is badly written:")?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for Faults {}

impl Document {
    /// Reads YAML, and finds everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Faults> {
        let document: Self = serde_saphyr::from_str(text).map_err(|error| Faults(vec![error.to_string()]))?;
        let mut faults = Vec::new();
        if document.issuers.is_empty() && document.certificates.is_empty() {
            faults.push("issuers: must name an issuer, or certificates must name a caller".to_owned());
        }
        for (n, issuer) in document.issuers.iter().enumerate() {
            let twice = document.issuers[..n].iter().any(|other| other.issuer == issuer.issuer);
            let mut of_issuer = issuer.faults();
            of_issuer.extend(twice.then(|| "issuer: stands there twice".to_owned()));
            faults.extend(of_issuer.into_iter().map(|fault| format!("issuers[{n}].{fault}")));
        }
        for (n, certificate) in document.certificates.iter().enumerate() {
            let faults_of = certificate.faults();
            faults.extend(faults_of.into_iter().map(|fault| format!("certificates[{n}].{fault}")));
        }
        if faults.is_empty() { Ok(document) } else { Err(Faults(faults)) }
    }
}

impl Issuer {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut must = |holds: bool, text: &str| {
            if !holds {
                faults.push(text.to_owned());
            }
        };
        let url = "must be an https URL; http goes with 127.0.0.1, [::1] and localhost alone";
        must(is_guarded(&self.issuer), &format!("issuer: {url}"));
        must(self.keys_url.as_deref().is_none_or(is_guarded), &format!("keys_url: {url}"));
        must(!self.audiences.is_empty(), "audiences: must name what tokens for this service bear in `aud`");
        must(
            self.audiences.iter().all(|it| !it.is_empty() && !self.other_audiences.contains(it)),
            "audiences: must be neither empty nor among other_audiences",
        );
        let pinned = !self.algorithms.is_empty() && self.algorithms.iter().all(|it| ALGORITHMS.contains(it));
        must(pinned, &format!("algorithms: must be of {ALGORITHMS:?}"));
        let Tenants { claim, fixed, any } = &self.tenants;
        let ways = usize::from(claim.is_some()) + usize::from(!fixed.is_empty()) + usize::from(*any);
        must(ways == 1, "tenants: must be one of claim, fixed and any");
        must(
            self.roles.is_some() || !self.subjects.is_empty(),
            "roles: must say what callers are, or subjects must",
        );
        faults
    }
}

impl Certificate {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.name.is_empty() {
            faults.push("name: must be a DNS name or URI of the certificate".to_owned());
        }
        if !crate::ids::is_key(&self.id) {
            faults.push("id: must be 1 to 128 characters without / and control characters".to_owned());
        }
        if self.roles.is_empty() {
            faults.push("roles: must name one".to_owned());
        }
        faults
    }
}

/// Whether nobody on the way can change what comes from there.
pub fn is_guarded(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let guarded = match (uri.scheme_str(), uri.host()) {
        (Some("https"), host) => host.is_some(),
        (Some("http"), Some(host)) => matches!(host, "127.0.0.1" | "[::1]" | "localhost"),
        _ => false,
    };
    guarded && uri.query().is_none() && !url.contains(['#', '@'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = "
issuers:
  - issuer: https://login.example.com/realms/desk
    audiences: [ticketing]
    tenants: {claim: tenant}
    roles:
      claim: realm_access.roles
      map: {desk-agent: [AGENT], desk-lead: [AGENT, MANAGER]}
  - issuer: https://kubernetes.default.svc
    audiences: [ticketing]
    algorithms: [RS256]
    ca_file: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt
    token_file: /var/run/secrets/kubernetes.io/serviceaccount/token
    tenants: {fixed: [acme]}
    subjects: {'system:serviceaccount:crm:sync': [SERVICE]}
certificates:
  - {name: 'spiffe://prod/ns/crm/sa/sync', id: crm-sync, roles: [SERVICE], tenants: [acme]}
";

    #[test]
    fn a_sound_document_reads() {
        let document = Document::parse(SOUND).expect("sound");
        assert_eq!((document.issuers.len(), document.certificates.len()), (2, 1));
        assert_eq!(document.issuers[0].algorithms, [Algorithm::RS256, Algorithm::ES256]);
    }

    #[test]
    fn every_fault_is_named_by_its_path() {
        let bad = "
issuers:
  - {issuer: 'http://login.example.com', audiences: [], tenants: {}, algorithms: [HS256]}
  - {issuer: 'https://a', audiences: [a], tenants: {any: true, claim: b}, subjects: {x: [AGENT]}}
  - {issuer: 'https://a', audiences: [a], tenants: {any: true}, subjects: {x: [AGENT]}, keys_url: 'ftp://a'}
certificates:
  - {name: '', id: 'a/b', roles: []}
";
        let Faults(faults) = Document::parse(bad).expect_err("bad");
        let paths: Vec<&str> = faults.iter().filter_map(|it| Some(it.split_once(": ")?.0)).collect();
        assert_eq!(
            paths,
            [
                "issuers[0].issuer",
                "issuers[0].audiences",
                "issuers[0].algorithms",
                "issuers[0].tenants",
                "issuers[0].roles",
                "issuers[1].tenants",
                "issuers[2].keys_url",
                "issuers[2].issuer",
                "certificates[0].name",
                "certificates[0].id",
                "certificates[0].roles",
            ]
        );
        assert!(Document::parse("").is_err());
        assert!(Document::parse("issuers: []\ncertificates: []\nsecrets: []").is_err());
    }

    #[test]
    fn plain_http_goes_no_further_than_this_machine() {
        for url in [
            "https://a",
            "https://a:8443/x",
            "http://127.0.0.1:5556/dex",
            "http://[::1]:1",
            "http://localhost",
        ] {
            assert!(is_guarded(url), "{url}");
        }
        for url in [
            "http://a",
            "http://127.0.0.2",
            "http://localhost.example.com",
            "https://u@a",
            "https://a?b",
            "a",
            "",
        ] {
            assert!(!is_guarded(url), "{url}");
        }
    }
}
