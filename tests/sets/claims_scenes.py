"""The invented goods and companies about which the claim gate's sets speak; every brand here exists nowhere else."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


def row(sku: str, name: str, price: str | None, currency: str, stock: int | None, **attributes: str) -> Row:
    """One row as the judging door reads it; underscores in attribute names stand for spaces."""
    named = {key.replace("_", " "): text for key, text in attributes.items()}
    return {"sku": sku, "name": name, "price": price, "currency": currency, "stock": stock, "attributes": named}


RU_COMPANY = (
    "ООО «Ветроград» поставляет оборудование с 2009 года. Доставка по городу занимает 2 дня, по области — 5 дней. "
    "Доставка по городу бесплатна при заказе от 50 000 ₽. Самовывоз: ул. Заводская, 14, склад 3. "
    "Телефон: +7 (495) 000-14-22, почта: sales@vetrograd.example. Работаем в будни с 9:00 до 18:00. "
    "Гарантия на насосы — 24 месяца. Рассрочка не предоставляется. Возврат в течение 14 дней."
)
EN_COMPANY = (
    "Northgale Supply has traded since 1998. Delivery within the city takes 3 working days, 7 days elsewhere. "
    "Orders over 500 EUR ship free of charge within the city. Our warehouse is at 12 Foundry Lane. "
    "Phone: +44 20 7946 0018, e-mail: desk@northgale.example, site: northgale.example. "
    "Open Monday to Friday, 8:30 to 17:00. All compressors carry a 12 month warranty. No instalment plans."
)
DE_COMPANY = (
    "Die Nordwind Technik GmbH beliefert Werkstätten seit 2003. Die Lieferung innerhalb der Stadt dauert 2 Tage. "
    "Ab 300 € Bestellwert ist der Versand kostenlos. Abholung: Hafenstraße 7, Halle 2. "
    "Telefon: +49 30 5550 1420, E-Mail: info@nordwind.example. Geöffnet Montag bis Freitag von 8 bis 17 Uhr. "
    "Auf Pumpen geben wir 24 Monate Garantie."
)

RU_ROWS: list[Row] = [
    row(
        "VG-1042",
        "Насос циркуляционный Тамрис НЦ-25/6",
        "12500",
        "RUB",
        4,
        Мощность="93 Вт",
        Напряжение="220 В",
        Материал_корпуса="чугун",
        Напор="6 м",
        Бренд="Тамрис",
    ),
    row(
        "VG-1077",
        "Насос скважинный Орвент СК-3",
        "28900",
        "RUB",
        0,
        Мощность="1,1 кВт",
        Напряжение="380 В",
        Материал_корпуса="нержавеющая сталь",
        Подача="3 м³/ч",
    ),
    row(
        "KM-310",
        "Компрессор поршневой Дарвик КП-50",
        "41300.50",
        "RUB",
        12,
        Мощность="2200 Вт",
        Напряжение="220 В",
        Ресивер="50 л",
        Давление="8 бар",
    ),
    row(
        "KM-355",
        "Компрессор винтовой Дарвик КВ-100",
        "186000",
        "RUB",
        1,
        Мощность="7,5 кВт",
        Напряжение="380 В",
        Ресивер="100 л",
        Давление="10 бар",
    ),
    row(
        "SV-20",
        "Сварочный инвертор Мелтон 200",
        "15990",
        "RUB",
        37,
        Ток="200 А",
        Напряжение="220 В",
        Масса="5,2 кг",
        Степень_защиты="IP21",
    ),
    row(
        "PL-88",
        "Плита электрическая Кастор ЭП-4",
        "67450",
        "RUB",
        3,
        Мощность="12 кВт",
        Напряжение="380 В",
        Конфорки="4",
        Ширина="840 мм",
        Высота="860 мм",
    ),
    row(
        "GN-5",
        "Генератор бензиновый Волтар ГБ-5000",
        "54200",
        "RUB",
        0,
        Мощность="5 кВт",
        Топливо="бензин",
        Бак="25 л",
        Масса="78 кг",
    ),
    row(
        "TP-15",
        "Тепловая пушка Зневик ТП-15",
        "23700",
        "RUB",
        None,
        Мощность="15 кВт",
        Напряжение="380 В",
        Площадь_обогрева="150 м²",
    ),
    row(
        "KB-325", "Кабель силовой Линтор ВВГ 3х2,5", "118.40", "RUB", 2400, Сечение="2,5 мм²", Жилы="3", Материал="медь"
    ),
    row("DR-77", "Дрель ударная Бормак ДУ-850", None, "", 9, Мощность="850 Вт", Патрон="13 мм"),
]
EN_ROWS: list[Row] = [
    row(
        "NG-2201",
        "Tarvik CP-40 circulation pump",
        "189.00",
        "EUR",
        6,
        Power="60 W",
        Voltage="230 V",
        Head="4 m",
        Material="cast iron",
    ),
    row(
        "NG-2260",
        "Tarvik SP-90 submersible pump",
        "412.50",
        "EUR",
        0,
        Power="900 W",
        Voltage="230 V",
        Flow="5.5 m3/h",
        Material="stainless steel",
    ),
    row(
        "AC-50",
        "Orlend AC50 piston compressor",
        "349.00",
        "EUR",
        15,
        Power="1.5 kW",
        Tank="50 l",
        Pressure="8 bar",
        Weight="36 kg",
    ),
    row(
        "AC-200",
        "Orlend AC200 screw compressor",
        "2840.00",
        "EUR",
        2,
        Power="7.5 kW",
        Tank="200 l",
        Pressure="10 bar",
        Weight="210 kg",
    ),
    row(
        "WD-160",
        "Fuzmar W160 welding inverter",
        "265.90",
        "USD",
        21,
        Current="160 A",
        Voltage="230 V",
        Weight="4.8 kg",
        Protection="IP23",
    ),
    row("HG-30", "Calvex HG30 heat gun", "74.25", "USD", None, Power="2000 W", Temperature="600 °C"),
    row("GN-65", "Voltane G65 petrol generator", "1120.00", "USD", 1, Power="6.5 kW", Fuel="petrol", Tank="25 l"),
    row("FL-12", "Norbex F12 plate filter", "58.00", "EUR", 140, Connection="1/2 in", Pressure="16 bar"),
]
DE_ROWS: list[Row] = [
    row(
        "NW-510",
        "Umwälzpumpe Tarvik UP-25",
        "214.90",
        "EUR",
        7,
        Leistung="70 W",
        Spannung="230 V",
        Förderhöhe="6 m",
        Werkstoff="Gusseisen",
    ),
    row(
        "NW-544",
        "Tauchpumpe Ostwin TP-12",
        "389.00",
        "EUR",
        0,
        Leistung="1,2 kW",
        Spannung="400 V",
        Fördermenge="9 m³/h",
        Werkstoff="Edelstahl",
    ),
    row("KO-24", "Kolbenkompressor Fermak K24", "1249.00", "EUR", 3, Leistung="2,2 kW", Kessel="24 l", Druck="10 bar"),
    row("SG-180", "Schweißgerät Lumfert S180", "459.50", "EUR", 18, Strom="180 A", Spannung="230 V", Gewicht="6,5 kg"),
    row("HB-3", "Heizgebläse Kaldor H3", "129.00", "EUR", 25, Leistung="3 kW", Spannung="230 V", Gewicht="4 kg"),
    row("KS-90", "Kühlschrank Polvik KS90", "1780.00", "EUR", 1, Volumen="360 l", Breite="600 mm", Höhe="1850 mm"),
]
ROWS = {"ru": RU_ROWS, "en": EN_ROWS, "de": DE_ROWS}
COMPANY = {"ru": RU_COMPANY, "en": EN_COMPANY, "de": DE_COMPANY}
BY_SKU = {each["sku"]: each for rows in ROWS.values() for each in rows}

SECOND: list[Row] = [
    row(
        "10457",
        "Виброплита реверсивная Гранд-Мол VP90R",
        "134900",
        "RUB",
        2,
        Двигатель="бензиновый",
        Вес="90 кг",
        Глубина_уплотнения="30 см",
        Центробежная_сила="20 кН",
    ),
    row(
        "10460",
        "Виброплита прямоходная Гранд-Мол VP60",
        "71 200,00",
        "RUB",
        0,
        Двигатель="бензиновый",
        Вес="60 кг",
        Глубина_уплотнения="20 см",
    ),
    row(
        "ЛС-3.2",
        "Лестница трёхсекционная Высотник 3х12",
        "18450",
        "RUB",
        11,
        Материал="алюминий",
        Максимальная_высота="7,9 м",
        Нагрузка="150 кг",
    ),
    row(
        "TM-ELK200",
        "Тестомес спиральный Elkora TM-200",
        "512000",
        "KZT",
        5,
        Дежа="20 л",
        Мощность="1500 Вт",
        Скорости="2",
        power_w="1500",
    ),
    row(
        "TM-ELK400",
        "Тестомес спиральный Elkora TM-400",
        "789000",
        "KZT",
        1,
        Дежа="40 л",
        Мощность="2200 Вт",
        Скорости="2",
        power_w="2200",
    ),
    row(
        "SRV-77/B",
        "Server rack cabinet Quandor 42U",
        "1299.00",
        "USD",
        8,
        Height="2000 mm",
        Width="600 mm",
        Depth="1000 mm",
        Load_capacity="800 kg",
        Colour="black",
    ),
    row(
        "SRV-78/B",
        "Server rack cabinet Quandor 24U",
        "849.00",
        "USD",
        0,
        Height="1200 mm",
        Width="600 mm",
        Depth="800 mm",
        Load_capacity="500 kg",
        Colour="grey",
    ),
    row(
        "7781002",
        "Wet and dry vacuum cleaner Hostrel WD30",
        "219.5",
        "GBP",
        33,
        Tank="30 l",
        Power="1400 W",
        Noise="72 dB",
        Hose_length="2.5 m",
    ),
    row(
        "LX-9",
        "LED-Hallenstrahler Brellum LX9",
        "89.90",
        "EUR",
        240,
        Leistung="100 W",
        Lichtstrom="14000 lm",
        Schutzart="IP65",
        Farbtemperatur="4000 K",
    ),
    row(
        "LX-15",
        "LED-Hallenstrahler Brellum LX15",
        "129.90",
        "EUR",
        12,
        Leistung="150 W",
        Lichtstrom="21000 lm",
        Schutzart="IP65",
        Farbtemperatur="5000 K",
    ),
    row(
        "HW-2000",
        "Hubwagen Trakto HW2000",
        "349.00",
        "EUR",
        6,
        Tragkraft="2000 kg",
        Gabellänge="1150 mm",
        Gewicht="68 kg",
    ),
    row("EKO-7", "Suv nasosi Elkora S7", "1450000", "UZS", 3, Quvvat="750 W", Bosim="4 bar"),
    row("TR-12", "Elektrikli vinç Yelmak TR12", "18750", "TRY", 4, Kapasite="500 kg", Kablo="12 m"),
    row("UA-3", "Бойлер Теплотон БТ-80", "7899", "UAH", 14, Об_єм="80 л", Потужність="2 кВт"),
    row("ZH-6", "不锈钢水泵 海牛 HN-6", "2580", "CNY", 20, 功率="1.1 kW", 电压="220 V"),
]
BY_SKU |= {each["sku"]: each for each in SECOND}
COMPANY |= {
    "kk": "Біз Алматыда жұмыс істейміз. Қала ішінде жеткізу 1 күн.",
    "uz": "Toshkent bo'ylab yetkazib berish 2 kun.",
    "uk": "Доставка по Україні триває 3 дні. Гарантія на бойлери — 5 років.",
    "tr": "İstanbul içinde teslimat 2 gün sürer.",
    "zh": "市内配送需要2天。",
}
