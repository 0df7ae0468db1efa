import pytest

from headrace_server.connectors.base import ConnectorError
from headrace_server.connectors.mounts.places import (
    bucket_of,
    checked,
    export_of,
    share_of,
    storage_type_of,
)
from headrace_server.model.storage import Place, StorageType

SMB, NFS, LOCAL = StorageType.SMB, StorageType.NFS, StorageType.LOCAL
S3, GCS, AZURE = StorageType.S3, StorageType.GCS, StorageType.AZURE


@pytest.mark.parametrize(
    ("network_path", "kind", "kept"),
    [
        ("//files/sales", SMB, "//files/sales"),
        ("//files/sales/", SMB, "//files/sales"),
        (r"\\files.lan\sales\2024 Q1", SMB, "//files.lan/sales/2024 Q1"),
        ("SMB://10.0.0.7/sales$/a@b", SMB, "//10.0.0.7/sales$/a@b"),
        ("//[fd00::7]/sales", SMB, "//[fd00::7]/sales"),
        ("files:/srv/export", NFS, "files:/srv/export"),
        ("files:/", NFS, "files:/"),
        ("nfs://files/srv/export/", NFS, "files:/srv/export"),
        ("[fd00::7]:/srv", NFS, "[fd00::7]:/srv"),
        ("s3://shop", S3, "s3://shop"),
        ("S3A://shop/in/2024/", S3, "s3://shop/in/2024"),
        ("gs://shop/in", GCS, "gs://shop/in"),
        ("gcs://shop", GCS, "gs://shop"),
        ("abfs://shop/in", AZURE, "abfs://shop/in"),
        ("abfss://shop", AZURE, "abfs://shop"),
        ("az://shop/b:c@d", AZURE, "abfs://shop/b:c@d"),
        ("/srv/in", LOCAL, "/srv/in"),
        ("/srv/in/", LOCAL, "/srv/in"),
        ("file:///srv/in", LOCAL, "/srv/in"),
        ("/", LOCAL, "/"),
    ],
)
def test_the_kind_is_told_by_the_path(network_path: str, kind: StorageType, kept: str) -> None:
    assert storage_type_of(network_path) is kind
    assert checked(Place(kind, network_path)).network_path == kept
    assert checked(checked(Place(kind, network_path))).network_path == kept


@pytest.mark.parametrize(
    ("network_path", "words"),
    [
        ("", "must look like"),
        ("sales", "must look like"),
        ("//files", "must look like"),
        ("//", "must look like"),
        ("//files/", "must look like"),
        (r"\\files", "must look like"),
        ("///files/sales", "must look like"),
        ("//files//sales", "no empty part"),
        ("//files/sales//in", "no empty part"),
        ("s3://shop//in", "no empty part"),
        ("/srv//in", "no empty part"),
        ("//fi les/sales", "must look like"),
        ("//files/a:b", "must look like"),
        ("files:srv", "must look like"),
        (":/srv", "must look like"),
        ("s3://", "must look like"),
        ("s3:///in", "must look like"),
        ("ftp://files/in", "must look like"),
        ("//files/sales/../other", r"no \. or \.\."),
        ("/srv/./in", r"no \. or \.\."),
        ("files:/srv/..", r"no \. or \.\."),
        ("//me:hush@files/sales", "no user, password or account: use credentials"),
        ("s3://key:hush@shop/in", "use credentials"),
        ("abfs://shop@account.dfs.core.windows.net/in", "use credentials"),
        ("me@files:/srv", "use credentials"),
        ("s3://shop/a::file:", "no ::"),
        ("gs://shop/*", "none of"),
        ("s3://shop/a?versionId=1", "none of"),
    ],
)
def test_other_paths_are_refused(network_path: str, words: str) -> None:
    with pytest.raises(ConnectorError, match=words) as caught:
        checked(Place(storage_type_of(network_path), network_path))
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (Place(S3, "//files/sales"), "storage_type: //files/sales is SMB, not S3"),
        (Place(LOCAL, "/srv", {"password": "hush"}), "credentials.password: LOCAL takes none"),
        (Place(NFS, "a:/b", {"username": "me"}), "credentials.username: NFS takes none"),
        (
            Place(SMB, "//a/b", {"sas_token": "hush"}),
            "credentials.sas_token: SMB takes domain, password, username",
        ),
        (Place(SMB, "//a/b", endpoint_url="http://c"), "endpoint_url: SMB takes none"),
        (Place(GCS, "gs://a", region="eu-west-1"), "region: GCS takes none"),
        (Place(S3, "s3://a", port=445), "port: S3 takes none"),
    ],
)
def test_what_a_kind_does_not_take_is_named(place: Place, words: str) -> None:
    with pytest.raises(ConnectorError, match=words) as caught:
        checked(place)
    assert "hush" not in str(caught.value)


def test_parts_of_places() -> None:
    assert share_of("//[fd00::7]/sales/a/b") == ("fd00::7", "sales", "a/b")
    assert share_of("//files/sales") == ("files", "sales", "")
    assert export_of("files:/srv/export") == ("files", "/srv/export")
    assert bucket_of("s3://shop/in/a") == ("shop", "in/a")
    for split in (share_of, export_of, bucket_of):
        with pytest.raises(ConnectorError, match="must look like"):
            split("else")
