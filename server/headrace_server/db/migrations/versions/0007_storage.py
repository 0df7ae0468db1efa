"""Mounts, watched folders, their files and imports."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of storage."""
    _create_mounts()
    _create_watches()
    _create_files()
    op.create_table(
        "storage_revisions",
        _text("tenant_id"),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        _of_tenant("storage_revisions"),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_storage_revisions"),
    )
    _create_imports()


def _create_mounts() -> None:
    op.create_table(
        "mounts",
        _text("mount_id"),
        _text("tenant_id"),
        _text("local_path"),
        _text("storage_type"),
        sa.Column("network_path", sa.Text(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("credentials", sa.LargeBinary(), nullable=True),
        _text("key_id", nullable=True),
        _instant("mounted_at"),
        sa.Column("error", sa.Text(), nullable=True),
        _of_tenant("mounts"),
        sa.PrimaryKeyConstraint("mount_id", name="pk_mounts"),
        sa.UniqueConstraint("tenant_id", "local_path", name="uq_mounts_tenant_id_local_path"),
    )


def _create_watches() -> None:
    op.create_table(
        "folder_watches",
        _text("watch_id"),
        _text("tenant_id"),
        _text("folder_hash"),
        sa.Column("folder_path", sa.Text(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        _count("files_detected"),
        _instant("created_at"),
        _instant("looked_at", nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        _text("watcher_id", nullable=True),
        _instant("held_until", nullable=True),
        _of_tenant("folder_watches"),
        sa.PrimaryKeyConstraint("watch_id", name="pk_folder_watches"),
        sa.UniqueConstraint(
            "tenant_id", "folder_hash", name="uq_folder_watches_tenant_id_folder_hash"
        ),
    )


def _create_files() -> None:
    op.create_table(
        "stored_files",
        _text("watch_id"),
        _text("path_hash"),
        _text("tenant_id"),
        sa.Column("file_path", sa.Text(), nullable=False),
        _count("size"),
        _instant("modified_at"),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        _text("status"),
        _instant("detected_at"),
        _instant("stable_since"),
        _text("import_id", nullable=True),
        sa.Column("taken_fingerprint", sa.Text(), nullable=True),
        sa.Column("imports", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1")),
        _count("rows_imported"),
        sa.Column("error", sa.Text(), nullable=True),
        _count("revision"),
        _of_tenant("stored_files"),
        sa.PrimaryKeyConstraint("watch_id", "path_hash", name="pk_stored_files"),
    )
    for name, columns in (
        ("ix_stored_files_import_id", ["import_id"]),
        ("ix_stored_files_changed", ["tenant_id", "revision"]),
        ("ix_stored_files_by_path", ["tenant_id", "path_hash"]),
        ("ix_stored_files_by_status", ["status", "watch_id"]),
    ):
        op.create_index(name, "stored_files", columns)


def _create_imports() -> None:
    op.create_table(
        "file_imports",
        _text("request_id"),
        _text("tenant_id"),
        sa.Column("file_path", sa.Text(), nullable=False),
        _text("target_table"),
        sa.Column("options", sa.JSON(), nullable=False),
        _text("watch_id", nullable=True),
        sa.Column("inferred_schema", sa.JSON(), nullable=True),
        _text("detected_format", nullable=True),
        sa.Column("plan", sa.JSON(), nullable=True),
        _text("sha256", nullable=True),
        _of_tenant("file_imports"),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["ingestions.request_id"],
            name="fk_file_imports_request_id_ingestions",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("request_id", name="pk_file_imports"),
    )


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(255), nullable=nullable)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False, server_default=sa.text("0"))


def _instant(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _of_tenant(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id"], ["tenants.tenant_id"], name=f"fk_{table}_tenant_id_tenants"
    )


def downgrade() -> None:
    """Drop them."""
    for table in (
        "file_imports",
        "storage_revisions",
        "stored_files",
        "folder_watches",
        "mounts",
    ):
        op.drop_table(table)
