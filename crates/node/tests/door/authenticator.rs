//! An authenticator in software: one ES256 passkey, user verification always given. CBOR is written by hand: three maps.

use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer;
use record::encoding::{Hash, base64url, from_base64url};
use serde_json::{Value, json};

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;

pub struct Authenticator {
    key: SigningKey,
    id: Vec<u8>,
    user: Option<String>,
    pub counter: u32,
    pub flags: u8,
    pub origin: String,
}

impl Authenticator {
    /// A new one; `seed` makes it another than the others.
    pub fn new(seed: u8, origin: &str) -> Self {
        Self {
            key: SigningKey::from_slice(&[seed; 32]).unwrap(),
            id: vec![seed; 32],
            user: None,
            counter: 0,
            flags: USER_PRESENT | USER_VERIFIED,
            origin: origin.to_owned(),
        }
    }

    fn client_data(&self, what: &str, options: &Value) -> Vec<u8> {
        let data = json!({"type": what, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false});
        data.to_string().into_bytes()
    }

    fn authenticator_data(&mut self, relying_party: &str, attested: &[u8]) -> Vec<u8> {
        self.counter += 1;
        let flags = self.flags | if attested.is_empty() { 0 } else { ATTESTED };
        let mut data = Hash::of(&[relying_party.as_bytes()]).0.to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data.extend(attested);
        data
    }

    /// What `navigator.credentials.create` and `toJSON` give for these options.
    pub fn create(&mut self, options: &Value) -> Value {
        self.user = options["user"]["id"].as_str().map(str::to_owned);
        let mut attested = vec![0; 16];
        attested.extend((self.id.len() as u16).to_be_bytes());
        attested.extend(&self.id);
        attested.extend(self.cose_key());
        let data = self.authenticator_data(options["rp"]["id"].as_str().unwrap(), &attested);
        let mut object = vec![0xa3];
        object.extend(text("fmt"));
        object.extend(text("none"));
        object.extend(text("attStmt"));
        object.push(0xa0);
        object.extend(text("authData"));
        object.extend(bytes(&data));
        let client_data = self.client_data("webauthn.create", options);
        json!({
            "id": base64url(&self.id), "rawId": base64url(&self.id), "type": "public-key",
            "authenticatorAttachment": "platform", "clientExtensionResults": {"credProps": {"rk": true}},
            "response": {
                "attestationObject": base64url(&object), "clientDataJSON": base64url(&client_data),
                "transports": ["internal"], "publicKeyAlgorithm": -7,
            },
        })
    }

    /// What `navigator.credentials.get` and `toJSON` give for these options.
    pub fn get(&mut self, options: &Value) -> Value {
        let data = self.authenticator_data(options["rpId"].as_str().unwrap(), &[]);
        let client_data = self.client_data("webauthn.get", options);
        let signed = [&data[..], &Hash::of(&[&client_data]).0].concat();
        let signature: p256::ecdsa::Signature = self.key.sign(&signed);
        json!({
            "id": base64url(&self.id), "rawId": base64url(&self.id), "type": "public-key", "clientExtensionResults": {},
            "response": {
                "authenticatorData": base64url(&data), "clientDataJSON": base64url(&client_data),
                "signature": base64url(signature.to_der().as_bytes()), "userHandle": self.user,
            },
        })
    }

    /// Whether these options ask for this authenticator's passkey by name.
    pub fn is_asked_for(&self, options: &Value) -> bool {
        let allowed = options["allowCredentials"].as_array().unwrap();
        allowed
            .iter()
            .any(|one| from_base64url(one["id"].as_str().unwrap()).unwrap() == self.id)
    }

    fn cose_key(&self) -> Vec<u8> {
        let point = self.key.verifying_key().to_sec1_point(false);
        // {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}
        let mut key = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21];
        key.extend(bytes(&point.as_bytes()[1..33]));
        key.push(0x22);
        key.extend(bytes(&point.as_bytes()[33..65]));
        key
    }
}

fn text(text: &str) -> Vec<u8> {
    let mut cbor = vec![0x60 + u8::try_from(text.len()).unwrap()];
    cbor.extend(text.as_bytes());
    cbor
}

fn bytes(bytes: &[u8]) -> Vec<u8> {
    let mut cbor = match u8::try_from(bytes.len()) {
        Ok(length) if length < 24 => vec![0x40 + length],
        Ok(length) => vec![0x58, length],
        Err(_) => [&[0x59][..], &(bytes.len() as u16).to_be_bytes()].concat(),
    };
    cbor.extend(bytes);
    cbor
}
