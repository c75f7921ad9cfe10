"""One session of boto3 serves whoever needs a client of AWS, threads at the same time among them."""

from concurrent.futures import ThreadPoolExecutor

from handler.clouds.aws import AwsSession

SERVICES = ("dynamodb", "secretsmanager")


def test_threads_that_make_clients_at_the_same_time_each_get_theirs() -> None:
    """Boto3's own session is not made for that."""
    session = AwsSession()
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda name: session.client(name, region_name="eu-west-1"), SERVICES * 2))
    assert [client.meta.service_model.service_name for client in made] == [*SERVICES * 2]


def test_a_second_client_finds_read_what_the_first_one_read() -> None:
    session = AwsSession()
    dynamodb, secrets = (session.client(name, region_name="eu-west-1") for name in SERVICES)
    assert dynamodb._loader is secrets._loader  # noqa: SLF001  # boto3 tells it nowhere else
