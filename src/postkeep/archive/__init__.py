"""The second home of media: named objects in a store, and what proves that they are equal to ours.

`open_archive` is the table of kinds; naming one imports none of the others.
"""

from __future__ import annotations

from postkeep.archive.port import Archive
from postkeep.config import ArchiveConfig
from postkeep.errors import ConfigError


def open_archive(config: ArchiveConfig) -> Archive:
    """The archive that is active; raises ConfigError when none is set up, or one only half."""
    match config.active:
        case "directory" if config.directory is not None:
            from postkeep.archive.directory import DirectoryArchive

            return DirectoryArchive(config.directory)
        case "s3":
            from postkeep.archive.buckets import s3_bucket
            from postkeep.archive.objects import BucketArchive

            return BucketArchive(s3_bucket(config.s3))
        case "r2":
            from postkeep.archive.buckets import r2_bucket
            from postkeep.archive.objects import BucketArchive

            return BucketArchive(r2_bucket(config.r2))
        case "gcs":
            from postkeep.archive.clouds import gcs_archive

            return gcs_archive(config.gcs)
        case "azure":
            from postkeep.archive.clouds import azure_archive

            return azure_archive(config.azure)
    raise ConfigError(
        "no archive is set up: set AWS_S3_BUCKET, R2_BUCKET_NAME, GCS_BUCKET or AZURE_STORAGE_CONTAINER with their"
        " keys, or archive.directory"
    )
