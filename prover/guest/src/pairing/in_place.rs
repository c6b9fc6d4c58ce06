//! Arithmetic in Fp2 whose results go where they are wanted. OpenVM's own operators return them: copying one takes ten times as
//! many instructions as computing it.

use openvm_algebra_guest::{
    COMPLEX_EXT_FIELD_FUNCT3, ComplexExtFieldBaseFunct7 as Function, Field, OPCODE, field::ComplexConjugate,
};
use openvm_custom_insn::custom_insn_r;
use openvm_pairing::{bls12_381, bn254};

/// All but `set_up` want that it was called before: the machine's tables must have seen which prime this is about.
pub(crate) trait InPlace: Field + ComplexConjugate + 'static {
    const NONE: &'static Self;

    fn set_up();
    fn put_sum(&mut self, a: &Self, b: &Self);
    fn put_difference(&mut self, a: &Self, b: &Self);
    fn put_product(&mut self, a: &Self, b: &Self);
    /// `b` is not zero.
    fn put_quotient(&mut self, a: &Self, b: &Self);
    /// `a` less what is here.
    fn subtract_from(&mut self, a: &Self);

    /// A copy, in one instruction.
    #[inline(always)]
    fn put(&mut self, a: &Self) {
        self.put_sum(a, Self::NONE);
    }
}

macro_rules! in_place {
    ($type:ty, $index:literal) => {
        impl InPlace for $type {
            const NONE: &'static Self = &Self::ZERO;

            fn set_up() {
                // Operators do, unless it was done.
                core::hint::black_box(Self::ONE + &Self::ONE);
            }

            #[inline(always)]
            fn put_sum(&mut self, a: &Self, b: &Self) {
                in_place!(Add, $index, self, a, b);
            }

            #[inline(always)]
            fn put_difference(&mut self, a: &Self, b: &Self) {
                in_place!(Sub, $index, self, a, b);
            }

            #[inline(always)]
            fn put_product(&mut self, a: &Self, b: &Self) {
                in_place!(Mul, $index, self, a, b);
            }

            #[inline(always)]
            fn put_quotient(&mut self, a: &Self, b: &Self) {
                in_place!(Div, $index, self, a, b);
            }

            #[inline(always)]
            fn subtract_from(&mut self, a: &Self) {
                // What is read is read before anything is written.
                let here: *mut Self = self;
                in_place!(Sub, $index, here, a, here);
            }
        }
    };
    // All pointers are of references.
    ($function:ident, $index:literal, $to:expr, $a:expr, $b:expr) => {
        let (to, a, b): (*mut Self, *const Self, *const Self) = ($to, $a, $b);
        custom_insn_r!(
            opcode = OPCODE,
            funct3 = COMPLEX_EXT_FIELD_FUNCT3,
            funct7 =
                Function::$function as u8 + $index * Function::COMPLEX_EXT_FIELD_MAX_KINDS,
            rd = In to, rs1 = In a, rs2 = In b
        );
    };
}

// By their places in `complex_init!` (`ethereum.rs`).
in_place!(bn254::Fp2, 0);
in_place!(bls12_381::Fp2, 1);
