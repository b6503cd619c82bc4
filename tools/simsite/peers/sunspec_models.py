"""Points of the SunSpec models the simulated devices serve, in register order after ID and L.

`name:type[:scale point]`. Types: u i e b = 16 bit (unsigned, signed, enum, bitfield), sf = scale
factor, U a B = 32 bit (unsigned, accumulator, bitfield), A = 64 bit accumulator, sN = string of N
registers, pad.
"""

MODELS = {
    1: "Mn:s16 Md:s16 Opt:s8 Vr:s8 SN:s16 DA:u Pad:pad",
    103: """
        A:u:A_SF AphA:u:A_SF AphB:u:A_SF AphC:u:A_SF A_SF:sf
        PPVphAB:u:V_SF PPVphBC:u:V_SF PPVphCA:u:V_SF PhVphA:u:V_SF PhVphB:u:V_SF PhVphC:u:V_SF
        V_SF:sf W:i:W_SF W_SF:sf Hz:u:Hz_SF Hz_SF:sf VA:i:VA_SF VA_SF:sf VAr:i:VAr_SF VAr_SF:sf
        PF:i:PF_SF PF_SF:sf WH:a:WH_SF WH_SF:sf DCA:u:DCA_SF DCA_SF:sf DCV:u:DCV_SF DCV_SF:sf
        DCW:i:DCW_SF DCW_SF:sf TmpCab:i:Tmp_SF TmpSnk:i:Tmp_SF TmpTrns:i:Tmp_SF TmpOt:i:Tmp_SF
        Tmp_SF:sf St:e StVnd:e Evt1:B Evt2:B EvtVnd1:B EvtVnd2:B EvtVnd3:B EvtVnd4:B""",
    120: """
        DERTyp:e WRtg:u:WRtg_SF WRtg_SF:sf VARtg:u:VARtg_SF VARtg_SF:sf VArRtgQ1:i:VArRtg_SF
        VArRtgQ2:i:VArRtg_SF VArRtgQ3:i:VArRtg_SF VArRtgQ4:i:VArRtg_SF VArRtg_SF:sf
        ARtg:u:ARtg_SF ARtg_SF:sf PFRtgQ1:i:PFRtg_SF PFRtgQ2:i:PFRtg_SF PFRtgQ3:i:PFRtg_SF
        PFRtgQ4:i:PFRtg_SF PFRtg_SF:sf WHRtg:u:WHRtg_SF WHRtg_SF:sf AhrRtg:u:AhrRtg_SF
        AhrRtg_SF:sf MaxChaRte:u:MaxChaRte_SF MaxChaRte_SF:sf MaxDisChaRte:u:MaxDisChaRte_SF
        MaxDisChaRte_SF:sf Pad:pad""",
    121: """
        WMax:u:WMax_SF VRef:u:VRef_SF VRefOfs:i:VRefOfs_SF VMax:u:VMinMax_SF VMin:u:VMinMax_SF
        VAMax:u:VAMax_SF VArMaxQ1:i:VArMax_SF VArMaxQ2:i:VArMax_SF VArMaxQ3:i:VArMax_SF
        VArMaxQ4:i:VArMax_SF WGra:u:WGra_SF PFMinQ1:i:PFMin_SF PFMinQ2:i:PFMin_SF
        PFMinQ3:i:PFMin_SF PFMinQ4:i:PFMin_SF VArAct:e ClcTotVA:e MaxRmpRte:u:MaxRmpRte_SF
        ECPNomHz:u:ECPNomHz_SF ConnPh:e WMax_SF:sf VRef_SF:sf VRefOfs_SF:sf VMinMax_SF:sf
        VAMax_SF:sf VArMax_SF:sf WGra_SF:sf PFMin_SF:sf MaxRmpRte_SF:sf ECPNomHz_SF:sf""",
    122: """
        PVConn:b StorConn:b ECPConn:b ActWh:A ActVAh:A ActVArhQ1:A ActVArhQ2:A ActVArhQ3:A
        ActVArhQ4:A VArAval:i:VArAval_SF VArAval_SF:sf WAval:u:WAval_SF WAval_SF:sf StSetLimMsk:B
        StActCtl:B TmSrc:s4 Tms:U RtSt:b Ris:u:Ris_SF Ris_SF:sf""",
    123: """
        Conn_WinTms:u Conn_RvrtTms:u Conn:e WMaxLimPct:u:WMaxLimPct_SF WMaxLimPct_WinTms:u
        WMaxLimPct_RvrtTms:u WMaxLimPct_RmpTms:u WMaxLim_Ena:e OutPFSet:i:OutPFSet_SF
        OutPFSet_WinTms:u OutPFSet_RvrtTms:u OutPFSet_RmpTms:u OutPFSet_Ena:e
        VArWMaxPct:i:VArPct_SF VArMaxPct:i:VArPct_SF VArAvalPct:i:VArPct_SF VArPct_WinTms:u
        VArPct_RvrtTms:u VArPct_RmpTms:u VArPct_Mod:e VArPct_Ena:e WMaxLimPct_SF:sf
        OutPFSet_SF:sf VArPct_SF:sf""",
    124: """
        WChaMax:u:WChaMax_SF WChaGra:u:WChaDisChaGra_SF WDisChaGra:u:WChaDisChaGra_SF
        StorCtl_Mod:b VAChaMax:u:VAChaMax_SF MinRsvPct:u:MinRsvPct_SF ChaState:u:ChaState_SF
        StorAval:u:StorAval_SF InBatV:u:InBatV_SF ChaSt:e OutWRte:i:InOutWRte_SF
        InWRte:i:InOutWRte_SF InOutWRte_WinTms:u InOutWRte_RvrtTms:u InOutWRte_RmpTms:u
        ChaGriSet:e WChaMax_SF:sf WChaDisChaGra_SF:sf VAChaMax_SF:sf MinRsvPct_SF:sf
        ChaState_SF:sf StorAval_SF:sf InBatV_SF:sf InOutWRte_SF:sf""",
    203: """
        A:i:A_SF AphA:i:A_SF AphB:i:A_SF AphC:i:A_SF A_SF:sf PhV:i:V_SF PhVphA:i:V_SF
        PhVphB:i:V_SF PhVphC:i:V_SF PPV:i:V_SF PhVphAB:i:V_SF PhVphBC:i:V_SF PhVphCA:i:V_SF
        V_SF:sf Hz:i:Hz_SF Hz_SF:sf W:i:W_SF WphA:i:W_SF WphB:i:W_SF WphC:i:W_SF W_SF:sf
        VA:i:VA_SF VAphA:i:VA_SF VAphB:i:VA_SF VAphC:i:VA_SF VA_SF:sf VAR:i:VAR_SF
        VARphA:i:VAR_SF VARphB:i:VAR_SF VARphC:i:VAR_SF VAR_SF:sf PF:i:PF_SF PFphA:i:PF_SF
        PFphB:i:PF_SF PFphC:i:PF_SF PF_SF:sf TotWhExp:a:TotWh_SF TotWhExpPhA:a:TotWh_SF
        TotWhExpPhB:a:TotWh_SF TotWhExpPhC:a:TotWh_SF TotWhImp:a:TotWh_SF
        TotWhImpPhA:a:TotWh_SF TotWhImpPhB:a:TotWh_SF TotWhImpPhC:a:TotWh_SF TotWh_SF:sf
        TotVAhExp:a:TotVAh_SF TotVAhExpPhA:a:TotVAh_SF TotVAhExpPhB:a:TotVAh_SF
        TotVAhExpPhC:a:TotVAh_SF TotVAhImp:a:TotVAh_SF TotVAhImpPhA:a:TotVAh_SF
        TotVAhImpPhB:a:TotVAh_SF TotVAhImpPhC:a:TotVAh_SF TotVAh_SF:sf
        TotVArhImpQ1:a:TotVArh_SF TotVArhImpQ1PhA:a:TotVArh_SF TotVArhImpQ1PhB:a:TotVArh_SF
        TotVArhImpQ1PhC:a:TotVArh_SF TotVArhImpQ2:a:TotVArh_SF TotVArhImpQ2PhA:a:TotVArh_SF
        TotVArhImpQ2PhB:a:TotVArh_SF TotVArhImpQ2PhC:a:TotVArh_SF TotVArhExpQ3:a:TotVArh_SF
        TotVArhExpQ3PhA:a:TotVArh_SF TotVArhExpQ3PhB:a:TotVArh_SF TotVArhExpQ3PhC:a:TotVArh_SF
        TotVArhExpQ4:a:TotVArh_SF TotVArhExpQ4PhA:a:TotVArh_SF TotVArhExpQ4PhB:a:TotVArh_SF
        TotVArhExpQ4PhC:a:TotVArh_SF TotVArh_SF:sf Evt:B""",
}

# type -> (registers, signed, value when not implemented)
TYPES = {
    "u": (1, False, 0xFFFF),
    "i": (1, True, -0x8000),
    "e": (1, False, 0xFFFF),
    "b": (1, False, 0xFFFF),
    "sf": (1, True, -0x8000),
    "pad": (1, True, -0x8000),
    "U": (2, False, 0xFFFFFFFF),
    "a": (2, False, 0),
    "B": (2, False, 0xFFFFFFFF),
    "A": (4, False, 0),
}
