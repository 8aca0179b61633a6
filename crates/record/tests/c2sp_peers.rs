//! Agreement with published implementations, on random trees and notes.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof};
use proptest::prelude::*;
use record::c2sp::checkpoint::Checkpoint;
use record::c2sp::note::{Note, SignerKey, VerifierKey};
use record::c2sp::tile::{self, Content, TileId};
use record::c2sp::tree::{self, Tree};
use record::encoding::Hash;
use sha2::Sha256;
use signed_note::{Signer as _, StandardSigner, StandardVerifier, VerifierList};
use std::collections::{BTreeMap, HashMap};
use tlog_tiles::tlog;

/// Hashes as the peer numbers them.
struct PeerHashes(Vec<tlog::Hash>);

impl tlog::HashReader for PeerHashes {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
        Ok(indexes
            .iter()
            .map(|index| self.0[*index as usize])
            .collect())
    }
}

/// One log in our tiles and in the peer's hashes.
struct Both {
    tiles: BTreeMap<TileId, Vec<u8>>,
    roots: Vec<Hash>,
    leaves: Vec<Vec<u8>>,
    peer: PeerHashes,
}

fn both(leaves: Vec<Vec<u8>>) -> Both {
    let hashes: Vec<Hash> = leaves.iter().map(|leaf| tree::leaf_hash(leaf)).collect();
    let mut ours = Tree::new();
    let mut roots = vec![ours.root()];
    let mut peer = PeerHashes(Vec::new());
    for (n, leaf) in leaves.iter().enumerate() {
        ours.append(hashes[n]);
        roots.push(ours.root());
        let stored =
            tlog::stored_hashes(n as u64, leaf, &peer).expect("the peer holds all hashes before");
        peer.0.extend(stored);
    }
    let tiles = tile::grow(&|_: TileId| None, 0, &hashes)
        .expect("an empty tree grows from nothing")
        .into_iter()
        .collect();
    Both {
        tiles,
        roots,
        leaves,
        peer,
    }
}

fn from_peer(hashes: &[tlog::Hash]) -> Vec<Hash> {
    hashes.iter().map(|hash| Hash(hash.0)).collect()
}

fn arbitrary_leaves() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..700)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn roots_proofs_and_tiles_are_those_of_tlog_tiles(leaves in arbitrary_leaves(), picks: [u64; 8]) {
        let both = both(leaves);
        let size = both.leaves.len() as u64;
        let reader = |id: TileId| both.tiles.get(&id).cloned();
        let root = both.roots[size as usize];
        prop_assert_eq!(tlog::tree_hash(size, &both.peer).unwrap().0, root.0);
        for pick in picks {
            let index = pick % size;
            let proof = tile::inclusion_proof(&reader, index, size).unwrap();
            prop_assert_eq!(&proof, &from_peer(&tlog::prove_record(size, index, &both.peer).unwrap()));
            let old = index + 1;
            let proof = tile::consistency_proof(&reader, old, size).unwrap();
            prop_assert_eq!(tlog::tree_hash(old, &both.peer).unwrap().0, both.roots[old as usize].0);
            let theirs: Vec<tlog::Hash> = proof.iter().map(|hash| tlog::Hash(hash.0)).collect();
            let (old_root, new_root) = (tlog::Hash(both.roots[old as usize].0), tlog::Hash(root.0));
            prop_assert!(tlog::check_tree(&theirs, size, new_root, old, old_root).is_ok());
            prop_assert_eq!(&proof, &from_peer(&tlog::prove_tree(size, old, &both.peer).unwrap()));
        }
        let peers = tlog_tiles::Tile::new_tiles(8, 0, size);
        prop_assert_eq!(peers.len(), both.tiles.len());
        for peer in peers {
            let id = TileId::hashes(peer.level(), peer.level_index(), peer.width() as u16).unwrap();
            // The peer follows Go, whose paths also name the height of a tile.
            prop_assert_eq!(peer.path().replace("tile/8/", "tile/"), id.path());
            prop_assert_eq!(&peer.read_data(&both.peer).unwrap(), &both.tiles[&id]);
        }
    }

    #[test]
    fn proofs_are_those_of_ct_merkle(leaves in arbitrary_leaves(), picks: [u64; 8]) {
        let both = both(leaves);
        let size = both.leaves.len() as u64;
        let reader = |id: TileId| both.tiles.get(&id).cloned();
        let olds: Vec<u64> = picks.iter().map(|pick| pick % size + 1).collect();
        let mut old_roots = HashMap::new();
        let mut peer = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        for (leaf, n) in both.leaves.iter().zip(1u64..) {
            peer.push(leaf.clone());
            if olds.contains(&n) {
                old_roots.insert(n, peer.root());
            }
        }
        let root = peer.root();
        prop_assert_eq!(root.as_bytes().as_slice(), both.roots[size as usize].0.as_slice());
        for old in olds {
            let index = old - 1;
            let proof = tile::inclusion_proof(&reader, index, size).unwrap();
            let bytes: Vec<u8> = proof.iter().flat_map(|hash| hash.0).collect();
            let made = peer.prove_inclusion(index as usize);
            prop_assert_eq!(made.as_bytes(), &bytes);
            let theirs = InclusionProof::<Sha256>::try_from_bytes(bytes).unwrap();
            prop_assert!(peer.root().verify_inclusion(&both.leaves[index as usize], index, &theirs).is_ok());

            prop_assert_eq!(old_roots[&old].as_bytes().as_slice(), both.roots[old as usize].0.as_slice());
            if old < size {
                let proof = tile::consistency_proof(&reader, old, size).unwrap();
                let bytes: Vec<u8> = proof.iter().flat_map(|hash| hash.0).collect();
                let theirs = ConsistencyProof::<Sha256>::try_from_bytes(bytes).unwrap();
                prop_assert!(peer.root().verify_consistency(&old_roots[&old], &theirs).is_ok());
                let made = peer.prove_consistency((size - old) as usize);
                let made: Vec<Hash> = made.as_bytes().as_chunks::<32>().0.iter().map(|hash| Hash(*hash)).collect();
                let (first, second) = (both.roots[old as usize], both.roots[size as usize]);
                prop_assert!(tree::verify_consistency(old, &first, size, &second, &made).is_ok());
            }
        }
    }

    #[test]
    fn paths_that_we_accept_mean_the_same_to_tlog_tiles(
        path in "tile/([0-9]|[1-5][0-9])(/x[0-9]{3}){0,3}/[0-9]{3}(\\.p/[1-9][0-9]?)?",
    ) {
        if let Ok(id) = TileId::parse(&path) {
            let peer = tlog_tiles::Tile::from_path(&path.replacen("tile/", "tile/8/", 1)).unwrap();
            prop_assert_eq!(Content::Hashes(peer.level()), id.content());
            prop_assert_eq!((peer.level_index(), peer.width()), (id.index(), id.width().into()));
        }
    }

    #[test]
    fn checkpoints_are_those_of_tlog_tiles(origin in "[a-z./]{1,20}", size: u64, root: [u8; 32]) {
        let text = Checkpoint::new(&origin, size, Hash(root)).unwrap().to_string();
        let peer = tlog_tiles::Checkpoint::from_bytes(text.as_bytes()).unwrap();
        prop_assert_eq!((peer.origin(), peer.size(), peer.hash().0), (origin.as_str(), size, root));
        prop_assert_eq!(peer.to_bytes(), text.into_bytes());
    }

    #[test]
    fn each_side_verifies_what_the_other_signed(
        text in "([a-z \u{e9}]{0,9}\n){1,4}",
        name in "[a-z./]{1,20}",
        seed: [u8; 32],
    ) {
        let ours = SignerKey::from_seed(&name, &seed).unwrap();
        let theirs = StandardSigner::new(&ours.encode()).unwrap();
        let vkey = ours.verifier().to_string();
        prop_assert_eq!((theirs.name(), theirs.key_id()), (ours.verifier().name(), ours.verifier().id()));
        let known = VerifierList::new(vec![Box::new(StandardVerifier::new(&vkey).unwrap())]);

        let signed = Note::sign(&text, &[&ours]).unwrap().to_string();
        let read = signed_note::Note::from_bytes(signed.as_bytes()).unwrap();
        prop_assert!(read.verify(&known).is_ok());

        let mut made = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
        made.add_sigs(&[&theirs]).unwrap();
        prop_assert_eq!(made.to_bytes(), signed.into_bytes());
        let read = Note::parse(&made.to_bytes()).unwrap();
        prop_assert!(read.verify(&[VerifierKey::parse(&vkey).unwrap()]).is_ok());
    }

    #[test]
    fn a_note_that_we_accept_is_read_alike_by_signed_note(at: prop::sample::Index, byte: u8, seed: u8) {
        let signer = SignerKey::from_seed("log", &[seed; 32]).unwrap();
        let mut bytes = Note::sign("a\nb\n\nc\n", &[&signer]).unwrap().to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(note) = Note::parse(&bytes) {
            let peer = signed_note::Note::from_bytes(&bytes).unwrap();
            prop_assert_eq!(peer.text(), note.text().as_bytes());
            let vkey = signer.verifier().to_string();
            let known = VerifierList::new(vec![Box::new(StandardVerifier::new(&vkey).unwrap())]);
            prop_assert_eq!(peer.verify(&known).is_ok(), note.verify(&[signer.verifier().clone()]).is_ok());
        }
    }
}
