"""The data sets that the suite knows by name: where they come from, and how to tell the real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from aebench.data import (
    combinations,
    dsprites,
    measurements,
    morpho_mnist,
    photographs,
    shapes3d,
    time_series,
    xysquares,
)
from aebench.data.dataset import Published
from aebench.data.digits import read_digits
from aebench.records.record import Factor

Shape = tuple[int, ...]
_DIGIT_NAMES = tuple("0123456789")
_IDX_FILES = "a folder with the four idx.gz files"
_NPZ_FILE = "an npz with x_train, y_train, x_test, y_test"


@dataclass(frozen=True, kw_only=True)
class KnownDataset:
    """A data set known by name.

    Attributes:
        tfds: its name in tensorflow-datasets, with the configuration; empty for those that are made here.
        url: a file that tensorflow-datasets downloads, to see whether its host answers.
        files: what `data import` takes for it.
        package: what Debian and its kin install it as; empty where they do not.
        folder: where that package puts its files.
        source: one sentence: where the images come from.
        rule: how it is cut, a key of `splitting.RULES`.
        image_shape: `(height, width, channels)`, `(time steps, channels)` of series, or `(columns,)` of vectors.
        published_sizes: images in each published split.
        sizes: images in train, validation and test as this suite cuts them.
        class_names: one name per class index; None for a set without labels.
        published_order: whether the images stay in their authors' order, or are sorted by content.
        checksums: sha256 of the published values as bytes, images in C order: `train_images` and so on. For
            idx files: `zcat FILE | tail -c +17 | sha256sum` (+9 for labels). Empty where none are known.
        make: makes it here, the same on every machine; given the data set `base` where that is named.
        base: the data set that it is made from; empty without.
        factors: the factors of variation that are known of each image.
    """

    tfds: str = ""
    url: str = ""
    files: str = ""
    package: str = ""
    folder: str = ""
    source: str
    rule: str
    image_shape: Shape
    published_sizes: Mapping[str, int]
    sizes: tuple[int, int, int]
    class_names: tuple[str, ...] | None
    published_order: bool = True
    checksums: Mapping[str, str] = field(default_factory=dict)
    make: Callable[..., Published] | None = None
    base: str = ""
    factors: tuple[Factor, ...] = ()


_DIGITS = KnownDataset(
    source="8x8 digits of UCI's optical recognition test set, as scikit-learn ships them (load_digits).",
    rule="digits",
    image_shape=(8, 8, 1),
    published_sizes={"train": 1797},
    sizes=(1257, 180, 360),
    class_names=_DIGIT_NAMES,
    make=read_digits,
)

# The sums of MNIST and Fashion-MNIST are those of the files whose gzip sha256 tensorflow-datasets lists in
# url_checksums/; those of the binarised set, of the values in the .amat files that it lists.
_MNIST = KnownDataset(
    tfds="mnist",
    url="https://storage.googleapis.com/cvdf-datasets/mnist/train-labels-idx1-ubyte.gz",
    files=_IDX_FILES,
    source="MNIST handwritten digits (LeCun, Cortes and Burges), grey, in the published order.",
    rule="last",
    image_shape=(28, 28, 1),
    published_sizes={"train": 60_000, "test": 10_000},
    sizes=(55_000, 5_000, 10_000),
    class_names=_DIGIT_NAMES,
    checksums={
        "train_images": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
        "train_labels": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
        "test_images": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
        "test_labels": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
    },
)

_FASHION_MNIST = KnownDataset(
    tfds="fashion_mnist",
    url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-labels-idx1-ubyte.gz",
    files=_IDX_FILES,
    package="dataset-fashion-mnist",
    folder="/usr/share/datasets/fashion-mnist",
    source="Fashion-MNIST article images (Xiao, Rasul and Vollgraf 2017), grey, in the published order.",
    rule="last",
    image_shape=(28, 28, 1),
    published_sizes={"train": 60_000, "test": 10_000},
    sizes=(55_000, 5_000, 10_000),
    class_names=(
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
    checksums={
        "train_images": "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
        "train_labels": "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
        "test_images": "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
        "test_labels": "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
    },
)  # fmt: skip

_KMNIST = KnownDataset(
    tfds="kmnist",
    url="http://codh.rois.ac.jp/kmnist/dataset/kmnist/train-labels-idx1-ubyte.gz",
    files=_IDX_FILES,
    source="Kuzushiji-MNIST cursive hiragana (Clanuwat et al. 2018), grey, in the published order.",
    rule="last",
    image_shape=(28, 28, 1),
    published_sizes={"train": 60_000, "test": 10_000},
    sizes=(55_000, 5_000, 10_000),
    class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
)

_EMNIST = KnownDataset(
    tfds="emnist/balanced",
    url="https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
    files=f"{_IDX_FILES} of its balanced part",
    source="EMNIST balanced letters and digits (Cohen et al. 2017), grey, in the published order, "
    "transposed as published.",
    rule="tenth",
    image_shape=(28, 28, 1),
    published_sizes={"train": 112_800, "test": 18_800},
    sizes=(101_520, 11_280, 18_800),
    class_names=tuple("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"),
)

_BINARIZED_MNIST = KnownDataset(
    tfds="binarized_mnist",
    url="http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist/binarized_mnist_test.amat",
    files="a folder with binarized_mnist_{train,valid,test}.amat",
    source="MNIST in the fixed binarisation of Salakhutdinov and Larochelle, without labels, in the published order.",
    rule="tenth",
    image_shape=(28, 28, 1),
    published_sizes={"train": 50_000, "validation": 10_000, "test": 10_000},
    sizes=(50_000, 10_000, 10_000),
    class_names=None,
    checksums={
        "train_images": "43490d4d6ac9002727af4426d8748609fdb7e4094fa65ad8d681ea60082a7a5a",
        "validation_images": "069b4f0beb389b776478c3e872b4df71c95ac4be64d7cbe6d32e24ebac8e6d5e",
        "test_images": "ca0294c3b8d984c7a1dc891015a8eea6f37bae59a34e35ea0fc8c47110a8dd86",
    },
)

_OMNIGLOT = KnownDataset(
    tfds="omniglot",
    url="https://github.com/brendenlake/omniglot/raw/master/python/images_background.zip",
    files=f"{_NPZ_FILE} (105x105, labels 0..1622)",
    source="Omniglot handwritten characters (Lake et al. 2015), background set as train, evaluation set as "
    "test (other characters than in train), one channel, sorted by content.",
    rule="tenth",
    image_shape=(105, 105, 1),
    published_sizes={"train": 19_280, "test": 13_180},
    sizes=(17_352, 1_928, 13_180),
    class_names=tuple(str(index) for index in range(1623)),
    published_order=False,
)

_CIFAR10 = KnownDataset(
    tfds="cifar10",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    files=_NPZ_FILE,
    source="CIFAR-10 natural images (Krizhevsky 2009), colour, in the order of the published batches.",
    rule="tenth",
    image_shape=(32, 32, 3),
    published_sizes={"train": 50_000, "test": 10_000},
    sizes=(45_000, 5_000, 10_000),
    class_names=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
)

_SVHN = KnownDataset(
    tfds="svhn_cropped",
    url="http://ufldl.stanford.edu/housenumbers/test_32x32.mat",
    files=_NPZ_FILE,
    source="Street View House Numbers, cropped (Netzer et al. 2011), colour, in the published order.",
    rule="tenth",
    image_shape=(32, 32, 3),
    published_sizes={"train": 73_257, "test": 26_032},
    sizes=(65_932, 7_325, 26_032),
    class_names=_DIGIT_NAMES,
)

_DSPRITES = KnownDataset(
    source="dSprites-like: drawn anew after the factors of dSprites (Matthey et al. 2017), a fixed sample of 30,000 of "
    "its 737,280 combinations; not the published pixels.",
    rule="tenth",
    image_shape=(64, 64, 1),
    published_sizes={"train": combinations.TRAIN, "test": combinations.TEST},
    sizes=combinations.SIZES,
    class_names=None,
    make=dsprites.draw,
    factors=dsprites.FACTORS,
)

_DSPRITES_32 = replace(
    _DSPRITES,
    source="The images of dsprites at half the size, each pixel the mean of four.",
    image_shape=(32, 32, 1),
    make=dsprites.draw_small,
)

_XYSQUARES = KnownDataset(
    source="XYSquares (Michlo, Klein and James 2023) at half the size: three squares that move by their own width, a "
    "fixed sample of 30,000 of 262,144 combinations.",
    rule="tenth",
    image_shape=(32, 32, 3),
    published_sizes={"train": combinations.TRAIN, "test": combinations.TEST},
    sizes=combinations.SIZES,
    class_names=None,
    make=xysquares.draw,
    factors=xysquares.FACTORS,
)

_SHAPES3D = KnownDataset(
    source="3D Shapes-like: a solid in a room, drawn anew after the factors of 3D Shapes (Burgess and Kim 2018) at "
    "half the size, a fixed sample of 30,000 of its 480,000 combinations; not the published pixels.",
    rule="tenth",
    image_shape=(shapes3d.SIDE, shapes3d.SIDE, 3),
    published_sizes={"train": combinations.TRAIN, "test": combinations.TEST},
    sizes=combinations.SIZES,
    class_names=None,
    make=shapes3d.draw,
    factors=shapes3d.FACTORS,
)

_MORPHO_MNIST = replace(
    _MNIST,
    tfds="",
    url="",
    files="",
    source="MNIST with thickness, slant, width, height and area measured on each digit, after Castro et al. 2019.",
    checksums={},
    make=morpho_mnist.measured,
    base="mnist",
    factors=morpho_mnist.FACTORS,
)

_PHOTO_PATCHES = KnownDataset(
    source="Patches of the photographs of a temple and of a flower that scikit-learn ships (load_sample_images), "
    "colour; another version of the JPEG decoder may round a few pixels otherwise.",
    rule="blocks",
    image_shape=(photographs.SIDE, photographs.SIDE, 3),
    published_sizes={"train": 2500, "validation": 500, "test": 500},
    sizes=(2500, 500, 500),
    class_names=photographs.NAMES,
    make=photographs.read_patches,
)

_WINE = KnownDataset(
    source="Chemical analyses of wines of three growers (Forina et al. 1988), as scikit-learn ships them (load_wine).",
    rule="fifth",
    image_shape=(13,),
    published_sizes={"train": 178},
    sizes=(115, 28, 35),
    class_names=("class_0", "class_1", "class_2"),
    make=measurements.read_wine,
)

_BREAST_CANCER = KnownDataset(
    source="Measures of cell nuclei in breast tissue (Street et al. 1993), as scikit-learn ships them "
    "(load_breast_cancer).",
    rule="fifth",
    image_shape=(30,),
    published_sizes={"train": 569},
    sizes=(365, 91, 113),
    class_names=("malignant", "benign"),
    make=measurements.read_breast_cancer,
)

_DIABETES = KnownDataset(
    source="Age, sex and eight measurements of diabetes patients (Efron et al. 2004), as scikit-learn ships them "
    "(load_diabetes), without the progression a year later.",
    rule="fifth",
    image_shape=(10,),
    published_sizes={"train": 442},
    sizes=(284, 70, 88),
    class_names=None,
    make=measurements.read_diabetes,
)

_CYLINDER_BELL_FUNNEL = KnownDataset(
    source="Cylinder, bell, funnel (Saito 1994), drawn here by the published formula: 128 steps of noise with a "
    "plateau, a rise or a fall in it, whose start, length and height are known.",
    rule="fifth",
    image_shape=(time_series.STEPS, 1),
    published_sizes={"train": time_series.COUNT},
    sizes=(576, 144, 180),
    class_names=time_series.CLASSES,
    make=time_series.draw_cylinder_bell_funnel,
    factors=time_series.FACTORS,
)

_STOCK_YEARS = KnownDataset(
    source="Monthly closes of stocks and indices from 1991 to 2021 (Yahoo Finance), as Matplotlib ships them "
    "(Stocks.csv): a series is a year of one of them, as logarithms over the close of the December before; a year is "
    "in one split alone, since markets move together.",
    rule="fifth",
    image_shape=(12, 1),
    published_sizes={"train": 263},
    sizes=(169, 42, 52),
    class_names=None,
    make=time_series.read_stock_years,
)

KNOWN: dict[str, KnownDataset] = {
    "digits": _DIGITS,
    "mnist": _MNIST,
    "fashion_mnist": _FASHION_MNIST,
    "kmnist": _KMNIST,
    "emnist": _EMNIST,
    "binarized_mnist": _BINARIZED_MNIST,
    "omniglot": _OMNIGLOT,
    "cifar10": _CIFAR10,
    "svhn_cropped": _SVHN,
    "dsprites": _DSPRITES,
    "dsprites_32": _DSPRITES_32,
    "xysquares": _XYSQUARES,
    "shapes3d": _SHAPES3D,
    "morpho_mnist": _MORPHO_MNIST,
    "photo_patches": _PHOTO_PATCHES,
    "wine": _WINE,
    "breast_cancer": _BREAST_CANCER,
    "diabetes": _DIABETES,
    "cylinder_bell_funnel": _CYLINDER_BELL_FUNNEL,
    "stock_years": _STOCK_YEARS,
}
