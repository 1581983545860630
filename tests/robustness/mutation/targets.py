"""The modules to mutate, the tests that should notice, and equivalent changes, which no test can notice."""

from __future__ import annotations

_OPERATORS = ("tests/operators/test_every_operator.py", "tests/operators/test_adjoint_and_shapes.py")
_ALGEBRA = "[Gram or [Sum or [Stack or [Adjoint or [Composition or [Identity or [Mask or [Crop"
_CONVOLUTIONS = ("tests/operators/test_convolution.py", *_OPERATORS)
_SMALL_BANKS = "bank and not [Bank-3x3x3 and not [Bank-4x4x4"
_UPDATES = ("tests/nmf/test_updates.py", "tests/nmf/test_divergence.py", "tests/nmf/test_plca.py")
_FITS = (*_UPDATES, "tests/nmf/test_solvers.py", "tests/nmf/test_models.py", "tests/nmf/test_more_fits.py")
_RICHARDSON_LUCY = (
    *("deblur/nonblind/_richardson_lucy.py", "tests/nonblind/test_richardson_lucy.py"),
    *("tests/nonblind/test_richardson_lucy_counts.py",),
)

TARGETS: dict[str, tuple[str, ...]] = {
    "deblur/operators/_linear.py": (
        *("deblur/operators/_linear.py", "tests/operators/test_grid_and_resample.py", *_OPERATORS),
        "tests/operators/test_convolution.py::test_bad_input",
        *("-k", f"{_ALGEBRA} or not test_every_operator.py"),
    ),
    "deblur/operators/_adjoint.py": ("deblur/operators/_adjoint.py", "tests/operators/test_adjoint_and_shapes.py"),
    "deblur/operators/_multiplicative.py": (
        *("deblur/operators/_multiplicative.py", "tests/operators/test_adjoint_and_shapes.py"),
    ),
    "deblur/operators/_shapes.py": (
        *("deblur/operators/_shapes.py", "tests/operators/test_adjoint_and_shapes.py"),
        *("tests/operators/test_strided.py",),
    ),
    "deblur/operators/_grid.py": (
        *("deblur/operators/_grid.py", "tests/operators/test_grid_and_resample.py", *_OPERATORS),
        *("-k", "[Crop or [Pad or [Differences or [Mask or [Adjoint or [Stack or test_grid_and_resample.py"),
    ),
    "deblur/operators/_resample.py": (
        *("deblur/operators/_resample.py", "tests/operators/test_grid_and_resample.py", *_OPERATORS),
        *("-k", "[Upsample or [Downsample or [SubPixel or [MaxUnpool or test_grid_and_resample.py"),
    ),
    "deblur/operators/_strided.py": (
        *("deblur/operators/_strided.py", "tests/operators/test_strided.py", *_OPERATORS),
        *("-k", "([Strided and not -3d-) or test_strided.py"),
    ),
    "deblur/operators/_varying.py": (
        *("deblur/operators/_varying.py", "tests/operators/test_varying.py", *_OPERATORS),
        *("-k", "[Product or [Tiled or test_varying.py"),
    ),
    "deblur/operators/_valid.py": (
        *("tests/operators/test_convolution.py", *_OPERATORS),
        *("-k", _SMALL_BANKS),
    ),
    "deblur/operators/_bank.py": (
        *("deblur/operators/_bank.py", "tests/operators/test_convolution.py", *_OPERATORS),
        *("-k", _SMALL_BANKS),
    ),
    "deblur/operators/_bilinear.py": (*_CONVOLUTIONS, "-k", "[Convolution or test_convolution.py"),
    "deblur/operators/_convolution.py": (
        *("deblur/operators/_convolution.py", *_CONVOLUTIONS),
        *("-k", "[Convolution or test_convolution.py or convolution.Convolution"),
    ),
    "deblur/operators/_slabs.py": (*_CONVOLUTIONS, "-k", "[Convolution or test_convolution.py"),
    "deblur/nonblind/_richardson_lucy.py": _RICHARDSON_LUCY,
    "deblur/nonblind/_momentum.py": _RICHARDSON_LUCY,
    "deblur/nonblind/_poisson.py": _RICHARDSON_LUCY,
    "deblur/nonblind/_wiener.py": ("deblur/nonblind/_wiener.py", "tests/nonblind/test_wiener.py"),
    "nmf/objective/divergence.py": ("nmf/objective/divergence.py", *_UPDATES),
    "nmf/maps/matrix.py": _FITS,
    "nmf/maps/geometry.py": ("tests/nmf/test_bad_input.py", *_FITS),
    "nmf/maps/convolutive.py": (*_UPDATES, "tests/nmf/test_models.py"),
    "nmf/data/dense.py": _FITS,
    "nmf/objective/penalties.py": _UPDATES,
    "nmf/fit/problem.py": (*_UPDATES, "tests/nmf/test_models.py"),
    "nmf/fit/multiplicative.py": _FITS,
    "nmf/fit/descent.py": _FITS,
    "nmf/fit/hals.py": ("tests/nmf/test_units.py", *_FITS),
    "nmf/fit/units.py": ("tests/nmf/test_units.py", *_UPDATES, "tests/nmf/test_models.py"),
    "nmf/fit/beta_mu.py": ("nmf/fit/beta_mu.py", "tests/nmf/test_more_fits.py", "tests/nmf/test_compat.py"),
    "nmf/models/nmf.py": ("nmf/models/nmf.py", "tests/nmf/test_bad_input.py", "tests/nmf/test_stored.py", *_FITS),
    "nmf/models/nmfd.py": ("nmf/models/nmfd.py", "tests/nmf/test_bad_input.py", *_FITS),
    "nmf/models/plca.py": ("nmf/models/plca.py", "tests/nmf/test_bad_input.py", "tests/nmf/test_plca.py"),
}

EQUIVALENT: dict[str, tuple[tuple[str, str, str], ...]] = {
    "nmf/fit/beta_mu.py": (("p.requires_grad_(False)", "p", "unused gradients, only slower"),),
    "deblur/operators/_varying.py": (("values > 1e-30", "values > (2e-30)", "zero up to rounding"),),
    "deblur/operators/_linear.py": (
        ("Sum(self, -other)", "Sum(-other, self)", "a sum commutes"),
        ("Sum(self, other)", "Sum(other, self)", "a sum commutes"),
        ("math.sqrt(float(", "math.sqrt((", "a number as a tensor"),
    ),
    "deblur/operators/_adjoint.py": (
        ("data.numpy().ravel()", "data.ravel()", "SciPy makes an array of a tensor itself"),
        ("conlim=0", "conlim=(-1)", "that is no limit either"),
    ),
    "deblur/operators/_resample.py": (("self._flat.to(x.device)", "(self._flat)", "only on an accelerator"),),
    "deblur/operators/_valid.py": (("*parts[0].shape", "*parts[(-1)].shape", "all parts have one shape"),),
    "deblur/operators/_slabs.py": (
        ("max(x.shape[-3], shape[0])", "(max(shape[0], x.shape[-3]))", "a maximum commutes"),
    ),
    "deblur/operators/_bilinear.py": (
        ("fast_size(n + max(w))", "((n + max(w))", "only the speed"),
        ("direct_is_faster(", "direct_is_faster(products,", "only the speed"),
        ("penalty = 1 if all(map(is_fast_size", "penalty = ", "only the speed"),
        ("return penalty * math.prod(period)", "math.prod(", "only the speed"),
    ),
    "nmf/maps/convolutive.py": (("narrow(out_axis, 0, 1)", "narrow(out_axis, (1), 1)", "any row will do"),),
    "nmf/fit/hals.py": (
        ("where(seen, diagonal, 1.0)", "where(seen, diagonal, (2.0))", "not used where nothing is seen"),
    ),
    "deblur/nonblind/_wiener.py": (
        ("inner(direction, image,", "inner(image, direction,", "an inner product is symmetric"),
        ("_BORDER_TOLERANCE**2", "_BORDER_TOLERANCE**(3)", "closer than required, only slower"),
    ),
    "nmf/maps/matrix.py": (
        ("len(parts) > 1 else parts[0]", "len(parts) > 1 else parts[(-1)]", "there is one part"),
        ("if len(parts) > 1", "if (len(parts) >= 1)", "one part is copied, which only takes time"),
    ),
    "nmf/data/dense.py": (
        ("or beta < 0", "or beta < (1)", "the floor is applied at once, which only takes time"),
        ("or beta < 0", "and beta < 0)", "a vanishing model is found and floored later"),
        ("share = 4", "share = (", "the size of a tile, which is a matter of speed"),
    ),
    "nmf/fit/descent.py": (
        ("1e3 * torch.finfo", "(2000.0) * torch.finfo", "what rounding is, to an order of magnitude"),
    ),
    "nmf/fit/problem.py": (("if exponent == 1:", "if exponent == (2):", "the power of one is the same, and slower"),),
    "nmf/objective/penalties.py": (
        ("return bool((weight > 0).any())", "return ((weight > 0).any())", "a bool as a tensor"),
    ),
    "deblur/nonblind/_poisson.py": (("_FLAT * float(x.amax())", "_FLAT * (x.amax())", "a number as a tensor"),),
    "deblur/nonblind/_momentum.py": (
        (
            "self._step = torch.empty_like(self.x)",
            "self._step = (self.x)",
            "its start level has no other use",
        ),
    ),
}
"""Per module: text of the changed lines before and after, whitespace collapsed, and why no test can notice."""
