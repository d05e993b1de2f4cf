import countermand


def test_the_package_names_its_version() -> None:
    assert countermand.__version__.count(".") == 2
