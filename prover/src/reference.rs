//! KZG reference strings, as files `kzg_bn254_K.srs` of 2^K points: `k: u32 ‖ [τ^i]₁ ‖ [L_i(τ)]₁ ‖ [1]₂ ‖ [τ]₂`, raw.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy_primitives::keccak256;
use eyre::{WrapErr, bail, eyre};
use halo2_base::halo2_proofs::{
    SerdeFormat,
    arithmetic::{CurveAffine, Field},
    halo2curves::{
        bn256::{Bn256, Fr, G1, G1Affine, G2Affine},
        ff::{FromUniformBytes, PrimeField},
        group::{Curve, Group, cofactor::CofactorGroup, prime::PrimeCurveAffine},
    },
    poly::commitment::{Params, ParamsProver},
};
use openvm_static_verifier::{Halo2Params, Halo2ParamsReader};
use rayon::prelude::*;

use crate::{files, parameters::Parameters};

/// Where the reference strings are.
#[derive(Debug, Clone)]
pub(crate) struct References {
    folder: PathBuf,
    parameters: Parameters,
}

impl References {
    pub(crate) fn new(folder: &Path, parameters: Parameters) -> Self {
        Self { folder: folder.to_owned(), parameters }
    }

    fn path(&self, k: usize) -> PathBuf {
        self.folder.join(format!("{}-kzg_bn254_{k}.srs", self.parameters))
    }

    /// Takes a ceremony's file in, if it is what was announced.
    ///
    /// # Errors
    /// If its digest is another, or it does not begin with the generators, or its powers are not those of one secret.
    pub(crate) fn adopt(&self, file: &Path, digest: &str) -> eyre::Result<()> {
        let named = || file.display().to_string();
        let actual = format!("{:#x}", files::digest(file)?);
        if !actual.eq_ignore_ascii_case(digest) {
            bail!(
                "{} has the digest {actual}, not {digest}: get the file again, or compare with who announced it",
                named()
            );
        }
        let string = read(file)?;
        check(&string, actual.as_bytes()).wrap_err_with(named)?;
        // Lagrange's form is made anew: it follows from what was checked, and what the file has of it was not.
        let checked =
            string.from_parts(string.k(), string.get_g().to_vec(), None, string.g2(), string.s_g2());
        files::make_folder(&self.folder)?;
        files::write_with(&self.path(string.k() as usize), |out| {
            Ok(checked.write_custom(out, SerdeFormat::RawBytes)?)
        })
    }

    /// Has the string of this size be there.
    ///
    /// # Errors
    /// In production, if no string that is large enough was given.
    pub(crate) fn ensure(&self, k: usize) -> eyre::Result<()> {
        let path = self.path(k);
        if path.exists() {
            return Ok(());
        }
        let string = match self.parameters {
            Parameters::Development => development(k as u32),
            Parameters::Production => {
                let larger = (k + 1..=28).map(|k| self.path(k)).find(|path| path.exists());
                let larger = larger.ok_or_else(|| {
                    eyre!(
                        "production needs the reference string of a ceremony for 2^{k} or more: \
                         give it with --srs FILE --srs-digest 0x…"
                    )
                })?;
                let mut string = read(&larger)?;
                string.downsize(k as u32);
                string
            }
        };
        files::write_with(&path, |file| Ok(string.write_custom(file, SerdeFormat::RawBytes)?))
    }
}

impl Halo2ParamsReader for References {
    /// # Panics
    /// If there is none: [`References::ensure`] is asked first where one can be missing.
    fn read_params(&self, k: usize) -> Arc<Halo2Params> {
        self.ensure(k)
            .and_then(|()| read(&self.path(k)))
            .map(Arc::new)
            .unwrap_or_else(|error| panic!("{error:#}"))
    }
}

fn read(path: &Path) -> eyre::Result<Halo2Params> {
    let named = || path.display().to_string();
    let file = File::open(path).wrap_err_with(named)?;
    // Points are read as they are: whoever can write here can do anything, and a ceremony's file was checked when it came.
    Halo2Params::read_custom(&mut BufReader::with_capacity(1 << 20, file), SerdeFormat::RawBytesUnchecked)
        .wrap_err_with(named)
}

/// Whether this is the string of one secret: e(Σ rᵢ τ^(i+1), 1) = e(Σ rᵢ τ^i, τ), for coefficients that follow from the string.
fn check(string: &Halo2Params, seed: &[u8]) -> eyre::Result<()> {
    use halo2_base::halo2_proofs::halo2curves::pairing::Engine;

    let g = string.get_g();
    if g[0] != G1Affine::generator() || string.g2() != G2Affine::generator() {
        bail!("it does not begin with the generators of BN254");
    }
    if !g.par_iter().all(|point| bool::from(point.is_on_curve())) || !bool::from(string.s_g2().is_on_curve())
    {
        bail!("one of its points is not on the curve");
    }
    if !bool::from(string.s_g2().to_curve().is_torsion_free()) {
        bail!("its point of G2 is not in the group");
    }
    let seed = scalar(seed);
    let mut factors = Vec::with_capacity(g.len() - 1);
    let mut factor = seed;
    for _ in 1..g.len() {
        factors.push(factor);
        factor *= seed;
    }
    let sum = |points: &[G1Affine]| {
        halo2_base::halo2_proofs::arithmetic::best_multiexp(&factors, points).to_affine()
    };
    let (low, high) = (sum(&g[..g.len() - 1]), sum(&g[1..]));
    if Bn256::pairing(&high, &string.g2()) != Bn256::pairing(&low, &string.s_g2()) {
        bail!("its powers are not those of one secret");
    }
    Ok(())
}

/// A scalar that everybody can compute.
fn scalar(seed: &[u8]) -> Fr {
    let (first, second) = (keccak256(seed), keccak256(keccak256(seed)));
    let mut wide = [0; 64];
    wide[..32].copy_from_slice(first.as_slice());
    wide[32..].copy_from_slice(second.as_slice());
    Fr::from_uniform_bytes(&wide)
}

/// The development's string: its secret is public, so that everybody has the same one, and can forge.
fn development(k: u32) -> Halo2Params {
    let tau = scalar(b"duplex: the development's reference string, which protects nothing");
    let n = 1usize << k;
    let table = Table::new();

    let mut power = Fr::ONE;
    let powers: Vec<Fr> = (0..n)
        .map(|_| {
            let this = power;
            power *= tau;
            this
        })
        .collect();
    let g = table.multiply(&powers);
    drop(powers);

    // L_i(τ) = ω^i (τ^n - 1) / (n (τ - ω^i)). What is divided by is not zero: n is a power of two, and τ, which is fixed, no root.
    let mut root = Fr::ROOT_OF_UNITY;
    for _ in k..Fr::S {
        root = root.square();
    }
    let factor = (tau.pow_vartime([n as u64]) - Fr::ONE) * Fr::from(n as u64).invert().unwrap();
    let mut root_power = Fr::ONE;
    let roots: Vec<Fr> = (0..n)
        .map(|_| {
            let this = root_power;
            root_power *= root;
            this
        })
        .collect();
    let lagrange: Vec<Fr> =
        roots.par_iter().map(|root| factor * root * (tau - root).invert().unwrap()).collect();
    let g_lagrange = table.multiply(&lagrange);
    let s_g2 = (G2Affine::generator() * tau).to_affine();
    // What is not taken from it does not matter.
    Halo2Params::new(1).from_parts(k, g, Some(g_lagrange), G2Affine::generator(), s_g2)
}

/// Multiples of the generator: for each of 16 windows of 16 bits all 2^16.
struct Table(Vec<Vec<G1Affine>>);

const WINDOW: usize = 16;

impl Table {
    fn new() -> Self {
        let mut bases = vec![G1::generator()];
        for i in 1..256 / WINDOW {
            let mut base = bases[i - 1];
            for _ in 0..WINDOW {
                base = base.double();
            }
            bases.push(base);
        }
        Self(bases.par_iter().map(Self::window).collect())
    }

    fn window(base: &G1) -> Vec<G1Affine> {
        let mut multiple = G1::identity();
        let multiples: Vec<G1> = (0..1 << WINDOW)
            .map(|_| {
                let this = multiple;
                multiple += base;
                this
            })
            .collect();
        let mut affine = vec![G1Affine::identity(); multiples.len()];
        G1::batch_normalize(&multiples, &mut affine);
        affine
    }

    fn multiply(&self, scalars: &[Fr]) -> Vec<G1Affine> {
        let mut points = vec![G1Affine::identity(); scalars.len()];
        points.par_chunks_mut(1 << 12).zip(scalars.par_chunks(1 << 12)).for_each(|(points, scalars)| {
            let sums: Vec<G1> = scalars.iter().map(|scalar| self.times(scalar)).collect();
            G1::batch_normalize(&sums, points);
        });
        points
    }

    fn times(&self, scalar: &Fr) -> G1 {
        let bytes = scalar.to_repr();
        let (digits, _) = bytes.as_ref().as_chunks::<2>();
        let mut sum = G1::identity();
        for (window, digit) in self.0.iter().zip(digits) {
            let digit = u16::from_le_bytes(*digit);
            if digit != 0 {
                sum += window[digit as usize];
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_development_string_is_one_of_one_secret_and_no_other_is() {
        let string = development(5);
        let digest = [7; 32];
        check(&string, &digest).unwrap();
        // As the library makes them.
        let tau = scalar(b"duplex: the development's reference string, which protects nothing");
        let g = string.get_g().to_vec();
        assert_eq!(g[1], (G1Affine::generator() * tau).to_affine());
        assert_eq!(g[31], (G1Affine::generator() * tau.pow_vartime([31])).to_affine());
        let mut again = string.clone();
        again.downsize(4);
        let smaller = development(4);
        let lagrange = |params: &Halo2Params| {
            let mut bytes = Vec::new();
            params.write_custom(&mut bytes, SerdeFormat::RawBytes).unwrap();
            bytes
        };
        assert_eq!(lagrange(&again), lagrange(&smaller), "Lagrange's form is that of the powers");

        let with = |g: Vec<G1Affine>, s_g2| string.from_parts(5, g, None, string.g2(), s_g2);
        for at in [0, 1, 31] {
            let mut forged = g.clone();
            forged[at] = (forged[at] + G1Affine::generator()).to_affine();
            assert!(check(&with(forged, string.s_g2()), &digest).is_err(), "power {at} is another");
        }
        let other = (G2Affine::generator() * (tau + Fr::ONE)).to_affine();
        assert!(check(&with(g, other), &digest).is_err(), "another secret on G2");
    }

    #[test]
    fn a_ceremonys_string_is_taken_only_with_its_digest() {
        let folder = std::env::temp_dir().join(format!("duplex-prover-test-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("ceremony.srs");
        files::write_with(&file, |out| Ok(development(3).write_custom(out, SerdeFormat::RawBytes)?)).unwrap();
        let references = References::new(&folder.join("keys"), Parameters::Production);
        let wrong = references.adopt(&file, &format!("0x{}", "00".repeat(32))).unwrap_err().to_string();
        assert!(wrong.contains("has the digest"), "{wrong}");
        assert!(references.ensure(3).unwrap_err().to_string().contains("--srs FILE"));
        references.adopt(&file, &format!("{:#x}", files::digest(&file).unwrap())).unwrap();
        references.ensure(3).unwrap();
        references.ensure(2).unwrap();
        assert!(references.ensure(4).is_err(), "it is too short for that");
        fs::remove_dir_all(folder).unwrap();
    }
}
