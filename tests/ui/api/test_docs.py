import pytest
from django.test import Client


@pytest.mark.feature("C065")
@pytest.mark.parametrize(("language", "heading"), [("zh-hans", "知客接口"), ("en", "Zhike API")])
def test_the_page_shows_every_operation_in_the_readers_language(
    db: None, language: str, heading: str
) -> None:
    from zhike.ui.api.openapi import document

    page = Client().get("/api/docs", headers={"accept-language": language})
    text = page.content.decode()
    assert page.status_code == 200
    assert heading in text
    for methods in document()["paths"].values():
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in text
    assert "curl -X POST" in text
