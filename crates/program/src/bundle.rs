//! A statement about batches and its witness as one string of bytes: what a prover hands to the program.
//!
//! `abi.encode(statement)` (192 bytes), then sections to the end, each as `length: u32 ‖ bytes`. A section is: how many blobs there
//! are (`u32`), each as `commitment (48) ‖ proof (48) ‖ blob (131,072)`; then each preimage as `length: u32 ‖ bytes`, to its end.
//! Numbers are little-endian. Keys are not there: the program hashes every preimage once and so knows what it is, whoever wrote
//! the bundle. A blob's name is the hash of its commitment, and the proof shows that the commitment is the blob's (EIP-4844,
//! `verify_blob_kzg_proof`).
//!
//! There is one section at a time in memory. What is not in it is in the next, which is read then, and what was in the one before
//! is forgotten. So however much batches read, a bundle of them fits a machine with little memory.

use alloc::{
    collections::BTreeMap,
    vec::{self, Vec},
};
use core::cell::RefCell;

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_sol_types::SolValue;
use duplex_primitives::blob::BLOB;
use revm::precompile::crypto;
use thiserror::Error;

use crate::{Kind, Oracle, RangeStatement, What};

/// Bytes of a statement.
const STATEMENT: usize = 192;
/// Bytes of a point.
const POINT: usize = 48;

/// A blob, with what ties it to its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundBlob {
    /// Its KZG commitment.
    pub commitment: [u8; POINT],
    /// The proof that the commitment is the blob's (EIP-4844, `compute_blob_kzg_proof`).
    pub proof: [u8; POINT],
    /// The blob: [`BLOB`] bytes.
    pub blob: Bytes,
}

impl BoundBlob {
    /// The versioned hash of its commitment, by which L1 names it.
    pub fn name(&self) -> B256 {
        let mut name = B256::new(crypto().sha256(&self.commitment));
        name[0] = 1;
        name
    }
}

/// A bundle is not one, or lacks something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The bytes are not a bundle: this one, of all or of a section, cannot be read.
    #[error("the bundle is malformed at byte {0}")]
    Form(usize),
    /// A preimage is in none of its sections.
    #[error("the bundle has no preimage of {0}, or not where it is looked for")]
    Missing(B256),
    /// A blob is not what its name says.
    #[error("what the bundle has for blob {0} is not what its commitment commits to")]
    Blob(B256),
}

/// What a section has.
#[derive(Debug, Clone, Default)]
struct Section {
    preimages: BTreeMap<B256, Bytes>,
    blobs: BTreeMap<B256, Bytes>,
}

impl Section {
    fn decode(bytes: &Bytes, holds: fn(&BoundBlob) -> bool) -> Result<Self, BundleError> {
        let mut section = Self::default();
        let count = bytes.first_chunk::<4>().ok_or(BundleError::Form(0))?;
        let mut at = 4;
        for _ in 0..u32::from_le_bytes(*count) {
            let form = BundleError::Form(at);
            let (commitment, rest) = bytes[at..].split_first_chunk().ok_or(form)?;
            let (proof, rest) = rest.split_first_chunk().ok_or(form)?;
            let end = at + 2 * POINT + BLOB;
            if rest.len() < BLOB {
                return Err(form);
            }
            let blob =
                BoundBlob { commitment: *commitment, proof: *proof, blob: bytes.slice(end - BLOB..end) };
            if !holds(&blob) {
                return Err(BundleError::Blob(blob.name()));
            }
            section.blobs.insert(blob.name(), blob.blob);
            at = end;
        }
        while at < bytes.len() {
            let preimage = take(bytes, &mut at)?;
            section.preimages.insert(keccak256(&preimage), preimage);
        }
        Ok(section)
    }
}

/// What is at a place as `length ‖ bytes`; the place is after it then.
fn take(bytes: &Bytes, at: &mut usize) -> Result<Bytes, BundleError> {
    let form = BundleError::Form(*at);
    let (length, rest) = bytes[*at..].split_first_chunk::<4>().ok_or(form)?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > rest.len() {
        return Err(form);
    }
    let start = *at + 4;
    *at = start + length;
    Ok(bytes.slice(start..*at))
}

/// A statement and the preimages that it follows from. Sections come from `S`, when they are needed.
#[derive(Debug)]
pub struct Bundle<S = vec::IntoIter<Bytes>> {
    statement: RangeStatement,
    holds: fn(&BoundBlob) -> bool,
    open: RefCell<Open<S>>,
}

/// How far a bundle was read.
#[derive(Debug)]
struct Open<S> {
    section: Section,
    rest: S,
    /// There is another section than when this was asked.
    turned: bool,
}

impl Bundle {
    /// Writes a bundle, of sections that each have these blobs and preimages. Within a section their order makes no difference.
    pub fn encode<'a, P: IntoIterator<Item = &'a Bytes>>(
        statement: &RangeStatement,
        sections: impl IntoIterator<Item = (Vec<BoundBlob>, P)>,
    ) -> Vec<u8> {
        let mut out = statement.abi_encode();
        for (blobs, preimages) in sections {
            let start = out.len();
            out.extend_from_slice(&[0; 4]);
            out.extend_from_slice(&(blobs.len() as u32).to_le_bytes());
            for blob in blobs {
                out.extend_from_slice(&blob.commitment);
                out.extend_from_slice(&blob.proof);
                out.extend_from_slice(&blob.blob);
            }
            for preimage in preimages {
                out.extend_from_slice(&(preimage.len() as u32).to_le_bytes());
                out.extend_from_slice(preimage);
            }
            let length = (out.len() - start - 4) as u32;
            out[start..start + 4].copy_from_slice(&length.to_le_bytes());
        }
        out
    }

    /// What the machine is given one after the other: the statement, and the sections.
    ///
    /// # Errors
    /// If the bytes are no bundle.
    pub fn split(bytes: &Bytes) -> Result<(Bytes, Vec<Bytes>), BundleError> {
        if bytes.len() < STATEMENT {
            return Err(BundleError::Form(0));
        }
        let mut sections = Vec::new();
        let mut at = STATEMENT;
        while at < bytes.len() {
            sections.push(take(bytes, &mut at)?);
        }
        Ok((bytes.slice(..STATEMENT), sections))
    }

    /// Reads a bundle. `holds` says whether a blob's proof shows that it is its commitment's.
    ///
    /// # Errors
    /// If the bytes are none.
    pub fn decode(bytes: &Bytes, holds: fn(&BoundBlob) -> bool) -> Result<Self, BundleError> {
        let (statement, sections) = Self::split(bytes)?;
        Self::open(&statement, sections.into_iter(), holds)
    }
}

impl<S: Iterator<Item = Bytes>> Bundle<S> {
    /// A bundle of this statement, whose sections come from `sections`.
    ///
    /// # Errors
    /// If these are not the bytes of a statement, or the first section is none.
    pub fn open(
        statement: &[u8],
        mut sections: S,
        holds: fn(&BoundBlob) -> bool,
    ) -> Result<Self, BundleError> {
        let statement = RangeStatement::abi_decode_validate(statement).map_err(|_| BundleError::Form(0))?;
        let first = sections.next().ok_or(BundleError::Form(STATEMENT))?;
        let section = Section::decode(&first, holds)?;
        let open = Open { section, rest: sections, turned: false };
        Ok(Self { statement, holds, open: RefCell::new(open) })
    }

    /// What is to be shown.
    pub const fn statement(&self) -> &RangeStatement {
        &self.statement
    }
}

impl<S: Iterator<Item = Bytes>> Oracle for Bundle<S> {
    type Error = BundleError;

    fn read(&self, what: What<'_>, key: &B256) -> Result<Bytes, BundleError> {
        let mut open = self.open.borrow_mut();
        let find = |section: &Section| {
            let known = if what.kind() == Kind::Blob { &section.blobs } else { &section.preimages };
            known.get(key).cloned()
        };
        if let Some(found) = find(&open.section) {
            return Ok(found);
        }
        // This one goes before the next comes: there may be no room for both.
        open.section = Section::default();
        open.turned = true;
        let next = open.rest.next().ok_or(BundleError::Missing(*key))?;
        open.section = Section::decode(&next, self.holds)?;
        find(&open.section).ok_or(BundleError::Missing(*key))
    }

    fn forgets(&self, _: u64) -> Result<bool, BundleError> {
        Ok(core::mem::take(&mut self.open.borrow_mut().turned))
    }
}

#[cfg(test)]
mod tests {
    use core::slice;

    use super::*;
    use crate::host::{bind, holds};

    /// A blob of some elements.
    fn blob() -> Bytes {
        let mut bytes = vec![0; BLOB];
        bytes.iter_mut().step_by(7).enumerate().for_each(|(i, byte)| *byte = i as u8);
        bytes.iter_mut().step_by(32).for_each(|byte| *byte &= 0x3f);
        bytes.into()
    }

    fn encode(blobs: &[BoundBlob], preimages: &[Bytes]) -> Bytes {
        Bundle::encode(&RangeStatement::default(), [(blobs.to_vec(), preimages)]).into()
    }

    #[test]
    fn what_was_written_is_read() {
        let statement = RangeStatement { output: keccak256("output"), ..Default::default() };
        let preimages: Vec<Bytes> = [&b""[..], b"a", &[7; 1000]].map(Bytes::copy_from_slice).into();
        let blobs = [bind(&blob()).unwrap(), bind(&[0; BLOB]).unwrap()];
        let bytes = Bundle::encode(&statement, [(blobs.to_vec(), &preimages)]).into();
        let bundle = || Bundle::decode(&bytes, holds).unwrap();
        let whole = bundle();
        assert_eq!(whole.statement(), &statement);
        for preimage in &preimages {
            assert_eq!(whole.read(What::Code, &keccak256(preimage)).as_ref(), Ok(preimage));
        }
        for blob in &blobs {
            assert_eq!(whole.read(What::Blob, &blob.name()).as_ref(), Ok(&blob.blob));
        }
        assert_eq!(whole.forgets(1), Ok(false));
        for (what, other) in [
            (What::Code, blobs[0].name()),
            (What::Code, keccak256("b")),
            (What::Blob, keccak256("b")),
            (What::Blob, keccak256("a")),
        ] {
            assert_eq!(bundle().read(what, &other), Err(BundleError::Missing(other)), "{what}");
        }
    }

    #[test]
    fn one_section_is_there_at_a_time() {
        let [a, b, c] = [b"a", b"b", b"c"].map(|bytes| Bytes::from_static(bytes));
        let sections = [vec![a.clone(), b.clone()], vec![b.clone(), c.clone()], vec![a.clone()]];
        let sections = sections.iter().map(|preimages| (Vec::new(), preimages));
        let bytes = Bundle::encode(&RangeStatement::default(), sections).into();
        let bundle = Bundle::decode(&bytes, holds).unwrap();
        let read = |bytes: &Bytes| bundle.read(What::Code, &keccak256(bytes));
        // Whether it turned is told once.
        let turned = || bundle.forgets(7).unwrap();
        assert_eq!((read(&b), read(&a), turned()), (Ok(b.clone()), Ok(a.clone()), false));
        assert_eq!((read(&c), read(&b), turned(), turned()), (Ok(c.clone()), Ok(b.clone()), true, false));
        assert_eq!((read(&a), turned()), (Ok(a), true));
        // There is no way back, and nothing more.
        assert_eq!(read(&c), Err(BundleError::Missing(keccak256(&c))));
        let bundle = Bundle::decode(&bytes, holds).unwrap();
        let skipped = bundle.read(What::Code, &keccak256("d"));
        assert_eq!(skipped, Err(BundleError::Missing(keccak256("d"))), "the next section or none");
    }

    #[test]
    fn a_blob_is_what_its_name_says() {
        let (one, other) = (bind(&blob()).unwrap(), bind(&[0; BLOB]).unwrap());
        let read = |blob: &BoundBlob| Bundle::decode(&encode(slice::from_ref(blob), &[]), holds).err();
        assert_eq!((read(&one), read(&other)), (None, None));
        // Another blob under the name, a blob with a bit changed, the proof of another.
        let refused = Some(BundleError::Blob(one.name()));
        assert_eq!(read(&BoundBlob { blob: other.blob.clone(), ..one.clone() }), refused);
        let mut bytes = one.blob.to_vec();
        bytes[BLOB - 1] ^= 1;
        assert_eq!(read(&BoundBlob { blob: bytes.into(), ..one.clone() }), refused);
        assert_eq!(read(&BoundBlob { proof: other.proof, ..one.clone() }), refused);
        // A number that is none of the field's: there is no such blob.
        let mut bytes = one.blob.to_vec();
        bytes[0] = 0xff;
        assert_eq!(bind(&bytes), None);
        assert_eq!(read(&BoundBlob { blob: bytes.into(), ..one.clone() }), refused);
        // A commitment that is no point.
        let no_point = BoundBlob { commitment: [0xff; POINT], ..one.clone() };
        assert_eq!(read(&no_point), Some(BundleError::Blob(no_point.name())));
        // In a later section it is looked at when that is read.
        let forged = BoundBlob { proof: other.proof, ..one };
        let sections = [(Vec::new(), &[][..]), (vec![forged], &[])];
        let bundle: Bytes = Bundle::encode(&RangeStatement::default(), sections).into();
        let bundle = Bundle::decode(&bundle, holds).unwrap();
        assert_eq!(bundle.read(What::Code, &B256::ZERO).err(), refused);
    }

    #[test]
    fn what_is_cut_off_is_no_bundle() {
        let whole = encode(&[], &[Bytes::from_static(b"abc"), Bytes::from_static(b"de")]);
        let form = |at| Some(BundleError::Form(at));
        for end in 0..=whole.len() {
            let cut = Bundle::decode(&whole.slice(..end), holds).err();
            let refused = if end < STATEMENT { form(0) } else { form(STATEMENT) };
            assert_eq!(cut, if end == whole.len() { None } else { refused }, "{end}");
        }
        // Cut off within a section: where in it.
        let (statement, sections) = Bundle::split(&whole).unwrap();
        let section = &sections[0];
        for end in 0..section.len() {
            let cut = Bundle::open(&statement, [section.slice(..end)].into_iter(), holds).err();
            // Without its last preimages it is another one.
            let at = [0, 4, 11].into_iter().rfind(|start| *start <= end).unwrap();
            assert_eq!(cut, if [4, 11].contains(&end) { None } else { form(at) }, "{end}");
        }
        // More blobs than there are bytes; no section; a statement that is none.
        let mut many = whole.to_vec();
        many[STATEMENT + 4] = 255;
        assert_eq!(Bundle::decode(&many.into(), holds).err(), form(4));
        let mut none = whole.to_vec();
        none[STATEMENT - 32] = 1;
        assert_eq!(Bundle::decode(&none.into(), holds).err(), form(0), "more than an address");
    }
}
