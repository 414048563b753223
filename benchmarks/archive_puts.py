"""The bare client and the peer: files go up from threads, and nothing else is done.

Run with the client's own Python: `archive_puts.py obstore|boto3 LIST THREADS ENDPOINT BUCKET ACCESS SECRET`.
Prints one JSON object: seconds from the first request to the last answer.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

REGION = "us-east-1"

Put = Callable[[str, bytes], Any]


def with_obstore(endpoint: str, bucket: str, access: str, secret: str, threads: int) -> Put:
    """The library postkeep uses; like it, it signs the SHA-256 of every body."""
    import obstore
    from obstore.store import S3Store

    store = S3Store(
        bucket,
        config={
            "endpoint": endpoint,
            "region": REGION,
            "access_key_id": access,
            "secret_access_key": secret,
            "virtual_hosted_style_request": False,
        },
        client_options={"allow_http": True},
    )
    return lambda key, content: obstore.put(store, key, content, use_multipart=False)


def with_boto3(endpoint: str, bucket: str, access: str, secret: str, threads: int) -> Put:
    """As its manual says: one client for all threads, and a connection for each."""
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        config=Config(max_pool_connections=threads, s3={"addressing_style": "path"}),
    )
    return lambda key, content: client.put_object(Bucket=bucket, Key=key, Body=content)


def main(arguments: list[str]) -> None:
    which, listed, number, *where = arguments
    threads = int(number)
    put = {"obstore": with_obstore, "boto3": with_boto3}[which](*where, threads)
    paths = [Path(line) for line in Path(listed).read_text().splitlines()]

    def send(path: Path) -> None:
        put(f"media/2026/01/{path.name}", path.read_bytes())

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(send, paths):
            pass
    print(json.dumps({"active": time.perf_counter() - began}))


if __name__ == "__main__":
    main(sys.argv[1:])
