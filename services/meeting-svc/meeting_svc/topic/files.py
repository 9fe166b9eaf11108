"""The papers of a topic and their stored files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from uuid_utils.compat import uuid7

from meeting_svc.topic.schemas import PaperPayload
from meeting_svc.topic.topic import Paper
from zhengling.files import files
from zhengling.kernel.errors import invalid
from zhengling.web.call import Call


async def papers_of(call: Call, given: Sequence[PaperPayload], submitted_at: datetime) -> list[Paper]:
    """The topic's papers from a payload; a paper with a stored file gets the file's SHA-256, whether stated or not.

    422 `unknown_file` names the files that this government doesn't have, `digest_mismatch` a paper whose stated SHA-256
    differs from its file's.
    """
    file_ids = [paper.file_id for paper in given if paper.file_id is not None]
    digests = {file.id: file.sha256 for file in await files.require(call.session, file_ids)} if file_ids else {}
    papers = []
    for paper in given:
        sha256 = digests[paper.file_id] if paper.file_id is not None else paper.sha256
        if paper.sha256 not in (None, sha256):
            raise invalid(
                "digest_mismatch",
                f"the paper {paper.title!r} states a SHA-256 that isn't the one of its file {paper.file_id}, {sha256}",
                f"材料“{paper.title}”填报的 SHA-256 值与已上传文件不一致",
                sha256=sha256,
            )
        papers.append(
            Paper(
                kind=paper.kind,
                title=paper.title,
                sha256=sha256,
                parts=tuple(paper.parts),
                file_id=paper.file_id,
                to_return=paper.to_return,
                id=str(uuid7()),
                submitted_by=call.official or "",
                submitted_at=submitted_at,
            )
        )
    return papers
