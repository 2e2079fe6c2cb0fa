"""What 1C hands over as CommerceML becomes products: goods, offers, prices by type, stock, properties, pictures."""

from __future__ import annotations

import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from catalog.workbook import Book, read

HEAD = '<?xml version="1.0" encoding="{0}"?><КоммерческаяИнформация xmlns="urn:1C.ru:commerceml_2" ВерсияСхемы="2.05">'
GOODS = """
<Классификатор><Ид>k</Ид>
 <Группы><Группа><Ид>g1</Ид><Наименование>Насосы</Наименование><Группы>
  <Группа><Ид>g2</Ид><Наименование>Погружные</Наименование></Группа></Группы></Группа></Группы>
 <Свойства>
  <Свойство><Ид>p1</Ид><Наименование>Мощность</Наименование><ТипЗначений>Строка</ТипЗначений></Свойство>
  <Свойство><Ид>p2</Ид><Наименование>Материал</Наименование><ВариантыЗначений>
   <Справочник><ИдЗначения>v1</ИдЗначения><Значение>Чугун</Значение></Справочник></ВариантыЗначений></Свойство>
 </Свойства></Классификатор>
<Каталог СодержитТолькоИзменения="false"><Ид>k</Ид><Товары>
 <Товар><Ид>id-1</Ид><Артикул>НП-1</Артикул><Наименование>Насос погружной</Наименование>
  <БазоваяЕдиница Код="796" НаименованиеПолное="Штука">шт</БазоваяЕдиница><Группы><Ид>g2</Ид></Группы>
  <Описание>Для скважин</Описание><Картинка>import_files/ab/n1.png</Картинка>
  <Изготовитель><Ид>m1</Ид><Наименование>Ливгидромаш</Наименование></Изготовитель>
  <ЗначенияСвойств><ЗначенияСвойства><Ид>p1</Ид><Значение>3 кВт</Значение></ЗначенияСвойства>
   <ЗначенияСвойства><Ид>p2</Ид><Значение>v1</Значение></ЗначенияСвойства></ЗначенияСвойств></Товар>
 <Товар><Ид>id-2</Ид><Наименование>Шланг</Наименование><Группы><Ид>g1</Ид></Группы></Товар>
 <Товар><Ид>id-3</Ид><Артикул>ОЛД</Артикул><Наименование>Снятый</Наименование><Статус>Удален</Статус></Товар>
 <Товар><Ид>id-4</Ид><Артикул>БЕЗ</Артикул><Наименование>Без предложения</Наименование></Товар>
</Товары></Каталог>"""
OFFERS = """
<ПакетПредложений><ТипыЦен>
 <ТипЦены><Ид>t1</Ид><Наименование>Закупочная</Наименование><Валюта>RUB</Валюта></ТипЦены>
 <ТипЦены><Ид>t2</Ид><Наименование>Розничная</Наименование><Валюта>RUB</Валюта></ТипЦены></ТипыЦен>
<Предложения>
 <Предложение><Ид>id-1</Ид><Артикул>НП-1</Артикул><Наименование>Насос погружной</Наименование><Цены>
  <Цена><ИдТипаЦены>t1</ИдТипаЦены><ЦенаЗаЕдиницу>777</ЦенаЗаЕдиницу><Валюта>RUB</Валюта></Цена>
  <Цена><ИдТипаЦены>t2</ИдТипаЦены><ЦенаЗаЕдиницу>1250.50</ЦенаЗаЕдиницу><Валюта>RUB</Валюта></Цена></Цены>
  <Количество>7</Количество></Предложение>
 <Предложение><Ид>id-2#c1</Ид><Наименование>Шланг (20 мм)</Наименование>
  <ХарактеристикиТовара><ХарактеристикаТовара><Наименование>Диаметр</Наименование><Значение>20 мм</Значение>
  </ХарактеристикаТовара></ХарактеристикиТовара>
  <Цены><Цена><ИдТипаЦены>t2</ИдТипаЦены><ЦенаЗаЕдиницу>90</ЦенаЗаЕдиницу></Цена></Цены>
  <Склад ИдСклада="s1" КоличествоНаСкладе="2"/><Склад ИдСклада="s2" КоличествоНаСкладе="3.5"/></Предложение>
 <Предложение><Ид>id-2#c2</Ид><Наименование>Шланг (25 мм)</Наименование>
  <ХарактеристикиТовара><ХарактеристикаТовара><Наименование>Диаметр</Наименование><Значение>25 мм</Значение>
  </ХарактеристикаТовара></ХарактеристикиТовара>
  <Цены><Цена><ИдТипаЦены>t2</ИдТипаЦены><ЦенаЗаЕдиницу>120</ЦенаЗаЕдиницу></Цена></Цены>
  <Остатки><Остаток><Склад><Ид>s1</Ид><Количество>4</Количество></Склад></Остаток></Остатки></Предложение>
</Предложения></ПакетПредложений>"""
PNG = b"\x89PNG\r\n\x1a\n-picture"


def document(content: str, encoding: str = "utf-8") -> bytes:
    return (HEAD.format(encoding) + content + "</КоммерческаяИнформация>").encode(encoding)


def exchange(tmp_path: Path, form: str) -> Path:
    match form:
        case "zip":
            path = tmp_path / "exchange.zip"
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("webdata/import.xml", document(GOODS))
                archive.writestr("webdata/offers.xml", document(OFFERS))
                archive.writestr("webdata/import_files/ab/n1.png", PNG)
            return path
        case "beside":
            (tmp_path / "offers0_1.xml").write_bytes(document(OFFERS, "windows-1251"))
            path = tmp_path / "import0_1.xml"
            path.write_bytes(document(GOODS))
        case _:
            path = tmp_path / "all.xml"
            path.write_bytes(document(GOODS + OFFERS, "windows-1251"))
    return path


def by_sku(book: Book) -> dict[str, object]:
    return {p.sku: (p.name, p.price, p.currency, p.stock, p.category) for p in book.products}


@pytest.mark.parametrize("form", ["zip", "beside", "one file"])
def test_goods_and_offers_are_joined(form: str, tmp_path: Path) -> None:
    book = read(exchange(tmp_path, form))

    assert by_sku(book) == {
        "НП-1": ("Насос погружной", Decimal("1250.50"), "RUB", Decimal(7), "Насосы / Погружные"),
        "id-2#c1": ("Шланг (20 мм)", Decimal(90), "RUB", Decimal("5.5"), "Насосы"),
        "id-2#c2": ("Шланг (25 мм)", Decimal(120), "RUB", Decimal(4), "Насосы"),
        "БЕЗ": ("Без предложения", None, "", None, ""),
    }
    assert book.parity
    assert any("deleted" in problem.message for problem in book.problems)
    assert any("offers0_1.xml" in problem.message for problem in book.problems) == (form == "beside")


def test_properties_are_typed_and_a_purchase_price_is_held_back(tmp_path: Path) -> None:
    pump = read(exchange(tmp_path, "one file")).products[0]

    assert [(a.name, a.text, a.number, a.unit) for a in pump.attributes] == [
        ("Мощность", "3 кВт", Decimal(3000), "w"), ("Материал", "Чугун", None, None),
    ]  # fmt: skip
    assert (pump.brand, pump.unit, pump.description) == ("Ливгидромаш", "шт", "Для скважин")
    assert [a.number for a in pump.inner] == [777]


def test_pictures_in_the_archive_become_photos(tmp_path: Path) -> None:
    book = read(exchange(tmp_path, "zip"))

    photos = {product.sku: product.photo for product in book.with_pictures(tmp_path / "photos").products}

    assert (tmp_path / "photos" / photos["НП-1"]).read_bytes() == PNG
    assert not photos["БЕЗ"]


def test_goods_alone_are_read_without_prices(tmp_path: Path) -> None:
    path = tmp_path / "import.xml"
    path.write_bytes(document(GOODS))

    book = read(path)

    assert [product.price for product in book.products] == [None, None, None]
    assert any("without prices" in problem.message for problem in book.problems)


def test_offers_alone_are_read_by_their_own_names(tmp_path: Path) -> None:
    path = tmp_path / "offers.xml"
    path.write_bytes(document(OFFERS))

    assert [product.price for product in read(path).products] == [Decimal("1250.50"), Decimal(90), Decimal(120)]


def test_an_exchange_without_goods_says_so(tmp_path: Path) -> None:
    path = tmp_path / "import.xml"
    path.write_bytes(document("<Каталог/>"))

    book = read(path)

    assert (book.products, book.parity) == ([], True)
    assert any("No table" in problem.message for problem in book.problems)


def test_a_product_called_like_a_column_is_no_header_and_a_property_called_name_cuts_nothing(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    offer = (
        '<offer id="{0}"><name>{1}</name><price>5</price>'
        '<param name="Название">x</param><param name="Цена">1</param></offer>'
    )
    offers = offer.format(1, "Цена") + offer.format(2, "Итого") + offer.format(3, "Насос")
    path.write_text(f'<?xml version="1.0"?><yml_catalog><shop><offers>{offers}</offers></shop></yml_catalog>', "utf-8")

    book = read(path)

    assert [(p.sku, p.name, p.price) for p in book.products] == [
        ("1", "Цена", Decimal(5)), ("2", "Итого", Decimal(5)), ("3", "Насос", Decimal(5)),
    ]  # fmt: skip
